"""How large a network is and what a token costs, exactly and without building it: arithmetic on its shape."""

from __future__ import annotations

import math
from dataclasses import dataclass

from gptrepro.model.config import DecoderConfig, LSTMConfig


@dataclass(frozen=True)
class ParameterCount:
    """Parameters of a decoder; the tied output layer counts once, as the token embedding."""

    total: int
    blocks: int
    """All blocks, layer norms and biases included; a final norm is in ``total`` only."""
    token_embedding: int
    position_embedding: int


def count_parameters(config: DecoderConfig) -> ParameterCount:
    """Count the parameters that a `Decoder` of this shape has.

    A block has two layer norms (gain and bias), queries, keys and values, the projection back, and the two
    matrices of the feed-forward layer, each matrix with a bias.
    """
    d, inner, wide = config.d_model, config.n_heads * config.head_width, config.inner_width
    attention = (d + 1) * 3 * inner + (inner + 1) * d
    feed_forward = (d + 1) * wide + (wide + 1) * d
    blocks = config.n_layers * (4 * d + attention + feed_forward)
    tokens = config.n_vocab * d
    positions = config.n_ctx * d if config.positions == "learned" else 0
    final_norm = 2 * d if config.norm == "pre" else 0
    return ParameterCount(blocks + tokens + positions + final_norm, blocks, tokens, positions)


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
    """Count the parameters that an `LSTMLanguageModel` of this shape has: two biases a gate, as torch has."""
    h = config.d_hidden
    return _lstm_matrices(config) + config.n_layers * 8 * h + (config.d_model if h != config.d_model else 0)


def lstm_flops_per_token(config: LSTMConfig) -> float:
    """Forward and backward: 6 for each weight of a matrix, the embedding as the output layer it also is."""
    return 6.0 * _lstm_matrices(config)


def _lstm_matrices(config: LSTMConfig) -> int:
    """Weights of all matrices: the embedding, the recurrence, and the projection back where widths differ."""
    d, h = config.d_model, config.d_hidden
    recurrence = 4 * h * (d + h) + (config.n_layers - 1) * 4 * h * 2 * h
    return config.n_vocab * d + recurrence + (h * d if h != d else 0)
