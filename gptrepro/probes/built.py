"""The models that the probes look at, each built once.

Three ways to build a published model, since the largest has 175 billion weights:

- `whole`: all of it on the meta device, without storage, for counts and shapes;
- `one_block`: a single block of the published width, for what depends on the width;
- `reduced`: all blocks at width 64, with the published structure, for behaviour.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable
from typing import cast

import torch
from torch import Tensor, nn

from gptrepro.model import Decoder, DecoderConfig
from gptrepro.model.decoder import Block
from gptrepro.model.init import without_storage
from gptrepro.published import published_model

REDUCED_WIDTH, REDUCED_HEADS, REDUCED_VOCABULARY = 64, 4, 512


@functools.cache
def whole(model: str) -> Decoder:
    """The published model without storage."""
    with without_storage():
        return Decoder(published_model(model).decoder)


@functools.cache
def one_block(model: str) -> Decoder:
    """The model cut to one block and 512 tokens of vocabulary, with real weights, in evaluation mode."""
    config = published_model(model).decoder
    return _seeded(dataclasses.replace(config, n_layers=1, n_vocab=REDUCED_VOCABULARY))


@functools.cache
def reduced(model: str) -> Decoder:
    """The model at width 64 with 4 heads and 512 tokens of vocabulary, in evaluation mode.

    Blocks, norm, activation, attention pattern, window, initialisation and dropout are the published ones.
    """
    return _seeded(reduced_config(published_model(model).decoder))


def reduced_config(config: DecoderConfig) -> DecoderConfig:
    """The same structure at width 64."""
    return dataclasses.replace(
        config,
        d_model=REDUCED_WIDTH,
        n_heads=REDUCED_HEADS,
        d_head=None,
        d_ff=None,
        n_vocab=REDUCED_VOCABULARY,
    )


def _seeded(config: DecoderConfig) -> Decoder:
    with torch.random.fork_rng([]):
        torch.manual_seed(0)
        return Decoder(config).eval()


def forget() -> None:
    """Forget the built models, after a change to the published ones."""
    for build in (whole, one_block, reduced):
        build.cache_clear()


def first_block(decoder: Decoder) -> Block:
    """The first of the decoder's blocks."""
    return cast(Block, decoder.h[0])


def captured(module: nn.Module, run: Callable[[], object]) -> tuple[Tensor, Tensor]:
    """Input and output of ``module`` while ``run`` runs."""
    seen: list[tuple[Tensor, Tensor]] = []
    handle = module.register_forward_hook(lambda _, inputs, output: seen.append((inputs[0], output)))
    try:
        with torch.no_grad():
            run()
    finally:
        handle.remove()
    return seen[0]


def sample_ids(length: int = 16) -> Tensor:
    """(1, length) distinct token ids."""
    return torch.arange(1, length + 1)[None]
