"""What a training needs of memory at the very least, asked before any work starts."""

from __future__ import annotations

import os

import torch

from gptrepro.errors import GptreproError
from gptrepro.model import DecoderConfig
from gptrepro.model.counting import count_parameters

BYTES_PER_PARAMETER = 16
"""Weight, gradient and Adam's two moments, in fp32."""

NUMBERS_PER_WIDTH = 16
"""Kept by a block for the way back, for each token and dimension: queries, keys, values, what attention
gives, two norms, and the hidden layer before and after its activation."""


def require_memory(config: DecoderConfig, tokens: int) -> None:
    """Refuse a training that the machine's memory cannot hold: a lower bound, at two bytes a number kept.

    Args:
        config: of the model.
        tokens: that are computed at once, sequences of one pass times their length.

    Raises:
        GptreproError: it says how much is needed and how much there is.
    """
    if not hasattr(os, "sysconf"):  # Windows
        return
    there = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    try:
        parameters = count_parameters(config).total
    except RuntimeError as error:  # torch cannot even count them
        raise GptreproError(f"No machine holds a model of width {config.d_model}: {error}") from error
    needed = BYTES_PER_PARAMETER * parameters
    if not torch.cuda.is_available():
        needed += 2 * NUMBERS_PER_WIDTH * tokens * config.d_model * config.n_layers
    if needed > there:
        raise GptreproError(
            f"This training needs at least {needed / 2**30:,.0f} GiB of memory and the machine has "
            f"{there / 2**30:,.0f}: choose a smaller model, batch (--batch-size, --accumulate) or --context."
        )
