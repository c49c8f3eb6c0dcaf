"""How large a decoder is and what a token costs, exactly and without allocating a weight."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from gptrepro.model.config import DecoderConfig
from gptrepro.model.decoder import Decoder


@dataclass(frozen=True)
class ParameterCount:
    """Parameters of a decoder; the tied output layer counts once, as the token embedding."""

    total: int
    blocks: int
    """All blocks, layer norms and biases included; a final norm is in ``total`` only."""
    token_embedding: int
    position_embedding: int


def count_parameters(config: DecoderConfig) -> ParameterCount:
    """Count the parameters of a real `Decoder`, built on the meta device."""
    with torch.device("meta"):
        decoder = Decoder(config)
    return ParameterCount(
        total=sum(p.numel() for p in decoder.parameters()),
        blocks=sum(p.numel() for p in decoder.h.parameters()),
        token_embedding=decoder.wte.weight.numel(),
        position_embedding=decoder.wpe.weight.numel(),
    )
