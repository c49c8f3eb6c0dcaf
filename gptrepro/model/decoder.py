"""The decoder of GPT-1, GPT-2 and GPT-3: one stack of Transformer blocks that predicts the next token.

The papers' decoders differ in a handful of choices, and `DecoderConfig` holds them all:

- GPT-1: layer norm after each residual addition.
- GPT-2: layer norm before each sub-block and once at the end; residual projections start smaller.
- GPT-3: GPT-2 with banded attention in every other layer.

Parameters carry the names and shapes of the released checkpoints: ``wte``, ``h.0.attn.c_attn`` (in, out), ...
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gptrepro.errors import GptreproError
from gptrepro.model.attention import CausalSelfAttention
from gptrepro.model.config import DecoderConfig
from gptrepro.model.init import initialise
from gptrepro.model.loss import chunked_cross_entropy
from gptrepro.model.positions import position_table
from gptrepro.model.projection import Projection

ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "gelu_tanh": partial(F.gelu, approximate="tanh"),
    "gelu": F.gelu,
    "relu": F.relu,
}
"""GPT-1 and GPT-2 compute the GELU by its tanh approximation (Hendrycks and Gimpel 2016, section 2)."""


class FeedForward(nn.Module):
    """Widen, bend, narrow: the same two-layer network at every position."""

    def __init__(self, config: DecoderConfig) -> None:
        super().__init__()
        self.c_fc = Projection(config.d_model, config.inner_width)
        self.activation = ACTIVATIONS[config.activation]
        self.c_proj = Projection(config.inner_width, config.d_model)
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, d_model) -> (B, T, d_model)."""
        out: Tensor = self.dropout(self.c_proj(self.activation(self.c_fc(x))))
        return out


class Block(nn.Module):
    """Attention moves information between positions, the feed-forward network works on each; both add."""

    def __init__(self, config: DecoderConfig, layer: int) -> None:
        super().__init__()
        self.pre_norm = config.norm == "pre"
        self.ln_1 = nn.LayerNorm(config.d_model, eps=config.norm_eps)
        self.attn = CausalSelfAttention(config, layer)
        self.ln_2 = nn.LayerNorm(config.d_model, eps=config.norm_eps)
        self.mlp = FeedForward(config)

    def forward(self, x: Tensor, keep: list[Tensor] | None = None) -> Tensor:
        """(B, T, d_model) -> (B, T, d_model)."""
        if self.pre_norm:  # GPT-2 and GPT-3: x itself is never normalised
            x = x + self.attn(self.ln_1(x), keep)
            x = x + self.mlp(self.ln_2(x))
            return x
        x = self.ln_1(x + self.attn(x, keep))  # GPT-1, as in Vaswani et al. 2017
        x = self.ln_2(x + self.mlp(x))
        return x


class Decoder(nn.Module):
    """Token embedding plus position, the blocks, and the token embedding again as the output layer.

    Weights are drawn from torch's global generator, as ``config`` says; within
    `gptrepro.model.init.without_storage` there are none.
    """

    def __init__(self, config: DecoderConfig) -> None:
        super().__init__()
        self.config = config
        self.wte = nn.Embedding(config.n_vocab, config.d_model)
        self.wpe = position_table(config)
        self.drop = nn.Dropout(config.dropout)
        self.h = nn.ModuleList(Block(config, layer) for layer in range(config.n_layers))
        self.ln_f = nn.LayerNorm(config.d_model, eps=config.norm_eps) if config.norm == "pre" else None
        initialise(self, config)

    def hidden(self, ids: Tensor, keep: list[Tensor] | None = None) -> Tensor:
        """The top of the residual stream, after the final norm if there is one.

        Args:
            ids: (B, T) int64 token ids.
            keep: a list to which every layer appends its queries, keys and values, (B, T, 3, H, d_head).

        Returns:
            (B, T, d_model).

        Raises:
            GptreproError: T is longer than ``config.n_ctx``.
        """
        length = ids.shape[1]
        if length > self.config.n_ctx:
            raise GptreproError(
                f"A sequence of {length} tokens does not fit this model's context of {self.config.n_ctx}: "
                "shorten the text or split it into windows."
            )
        positions = torch.arange(length, device=ids.device)
        x: Tensor = self.drop(self.wte(ids) + self.wpe(positions))  # (B, T, d_model)
        for block in self.h:
            x = block(x, keep)
        if self.ln_f is not None:
            x = self.ln_f(x)
        return x

    def logits(self, hidden: Tensor) -> Tensor:
        """(..., d_model) -> (..., n_vocab), by the token embedding's weights."""
        return F.linear(hidden, self.wte.weight)

    def forward(self, ids: Tensor) -> Tensor:
        """Scores of the next token at every position: (B, T) int64 -> (B, T, n_vocab)."""
        return self.logits(self.hidden(ids))

    def over_first(self, n_vocab: int) -> Decoder:
        """The same weights as a model of the first ``n_vocab`` ids alone.

        Vocabularies are padded to round numbers. Ids without a text must neither be written nor take a share
        of what others are given, as they do where the softmax spans them.
        """
        if n_vocab == self.config.n_vocab:
            return self
        with torch.device("meta"):
            narrower = Decoder(replace(self.config, n_vocab=n_vocab))
        rows = self.wte.weight.detach()[:n_vocab]
        narrower.load_state_dict(self.state_dict() | {"wte.weight": rows}, assign=True)
        return narrower.to(rows.device).train(self.training)

    def loss(self, ids: Tensor, targets: Tensor) -> Tensor:
        """Mean negative log-likelihood, in nats, of the targets that are not ignored.

        Args:
            ids, targets: (B, T) int64 each; ``targets[b, t]`` is the token that follows ``ids[b, : t + 1]``.

        Returns:
            A scalar. Source: GPT-1, equation 1, per token and with the sign turned.
        """
        hidden = self.hidden(ids).flatten(0, 1)  # (B, T, d_model) -> (B * T, d_model)
        return chunked_cross_entropy(hidden, self.wte.weight, targets.flatten())
