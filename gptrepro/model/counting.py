"""How large a network is and what a token costs, exactly and without allocating a weight."""

from __future__ import annotations

import math
from dataclasses import dataclass

from gptrepro.model.config import DecoderConfig
from gptrepro.model.decoder import Decoder
from gptrepro.model.init import without_storage
from gptrepro.model.lstm import LSTMConfig, LSTMLanguageModel


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
    with without_storage():
        decoder = Decoder(config)
    return ParameterCount(
        total=sum(p.numel() for p in decoder.parameters()),
        blocks=sum(p.numel() for p in decoder.h.parameters()),
        token_embedding=decoder.wte.weight.numel(),
        position_embedding=sum(p.numel() for p in decoder.wpe.parameters()),
    )


def forward_flops_per_token(config: DecoderConfig, context: int) -> float:
    """Floating-point operations of the forward pass, averaged over the tokens of a full context.

    Matrix products only, a multiply-add counted as two: 2 for each weight of the blocks' matrices and of the
    output layer, and 4 * n_heads * d_head for each key that a position sees (scores and mixture). A position
    sees (T + 1) / 2 keys on average where attention is dense, at most its window where it is banded. Kaplan
    et al. 2020 (Table 1) count 2N + 2 * n_layer * n_ctx * d_attn, which is the same for dense attention, and
    leave the output layer out.
    """
    inner = config.n_heads * config.head_width
    matrices = config.d_model * (4 * inner + 2 * config.inner_width)
    flops = 2.0 * config.n_vocab * config.d_model
    for layer in range(config.n_layers):
        window = min(config.window_of(layer) or context, context)
        # positions 1..window see 1..window keys, the later ones see window keys
        keys = (window * (window + 1) / 2 + (context - window) * window) / context
        flops += 2.0 * matrices + 4.0 * inner * keys
    return flops


def training_flops_per_token(config: DecoderConfig, context: int) -> float:
    """Forward and backward together: the backward pass costs twice the forward one."""
    return 3.0 * forward_flops_per_token(config, context)


def equal_lstm(decoder: DecoderConfig) -> LSTMConfig:
    """The LSTM of one layer whose parameters are as many as the decoder's, to the nearest unit.

    With h units and embeddings of width d it has 4h(d + h) + 8h in the recurrence, hd + d in the projection
    back, and the embeddings themselves. It has the decoder's dropout, too.
    """
    d = decoder.d_model
    rest = count_parameters(decoder).total - decoder.n_vocab * d - d
    b = 5 * d + 8  # 4 h^2 + b h = rest
    units = round((math.sqrt(b * b + 16 * rest) - b) / 8)
    return LSTMConfig(decoder.n_vocab, decoder.n_ctx, d_model=d, d_hidden=units, dropout=decoder.dropout)


def lstm_parameters(config: LSTMConfig) -> int:
    """Count the parameters of a real `LSTMLanguageModel`, built on the meta device."""
    with without_storage():
        return sum(p.numel() for p in LSTMLanguageModel(config).parameters())


def lstm_flops_per_token(config: LSTMConfig) -> float:
    """Forward and backward: 6 for each weight of a matrix, the embedding as the output layer it also is."""
    with without_storage():
        model = LSTMLanguageModel(config)
    return 6.0 * sum(p.numel() for p in model.parameters() if p.ndim == 2)
