"""Small decoders for tests: every parameter random, so that no gain of 1 or bias of 0 hides a mistake."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from gptrepro.model import Decoder, DecoderConfig


def randomise(module: nn.Module, std: float = 0.2) -> None:
    """Draw every parameter anew, gains around 1."""
    for name, parameter in module.named_parameters():
        gain = name.endswith("weight") and parameter.dim() == 1
        nn.init.normal_(parameter, mean=1.0 if gain else 0.0, std=std)


def small_decoder(seed: int = 0, **changes: Any) -> Decoder:
    """4 layers of width 32, 61 tokens, context 64, in evaluation mode; ``changes`` to the configuration."""
    settings: dict[str, Any] = {"n_vocab": 61, "n_ctx": 64, "n_layers": 4, "d_model": 32, "n_heads": 4}
    torch.manual_seed(seed)
    decoder = Decoder(DecoderConfig(**{**settings, **changes}))
    randomise(decoder)
    return decoder.eval()
