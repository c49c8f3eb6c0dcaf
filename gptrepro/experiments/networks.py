"""What a training on running text trains: a decoder, an LSTM beside it, or counts of n-grams."""

from __future__ import annotations

import math
from typing import Annotated, Any, Literal

from pydantic import Field

from gptrepro.experiments.base import Config
from gptrepro.model import Decoder, DecoderConfig
from gptrepro.model.config import LSTMConfig, Positions
from gptrepro.model.counting import (
    count_parameters,
    equal_lstm,
    lstm_flops_per_token,
    lstm_parameters,
    training_flops_per_token,
)
from gptrepro.model.lstm import LSTMLanguageModel

PAPERS_WIDTH = 768
PAPERS_INIT_STD = 0.02
"""Of the initial weights in all three papers, whose narrowest decoder has `PAPERS_WIDTH`."""


def init_std_at(d_model: int) -> float:
    """The standard deviation of the initial weights that gives every projection the papers' gain.

    With 0.02 a post-LN decoder of width 160 still predicted token frequencies, and nothing else, after 400
    updates of a pilot run. The papers keep it at larger widths, and so do we.
    """
    return round(PAPERS_INIT_STD * math.sqrt(max(1.0, PAPERS_WIDTH / d_model)), 3)


class DecoderNetwork(Config):
    """A decoder, apart from its vocabulary; the defaults are GPT-1's arrangement without dropout."""

    kind: Literal["decoder"]
    n_layers: int
    d_model: int
    n_heads: int
    norm: Literal["post", "pre"] = "post"
    residual_init: Literal["plain", "scaled"] = "plain"
    positions: Positions = "learned"
    n_positions: int | None = None
    """The longest sequence that it can read; a window of the training when None."""
    dropout: float = 0.0
    init_std: float = Field(default_factory=lambda fields: init_std_at(fields["d_model"]))
    position_std: float | None = None
    """Of the initial position embeddings; ``init_std`` when None."""

    @classmethod
    def like(cls, published: DecoderConfig, **changes: Any) -> DecoderNetwork:
        """The arrangement and size of a decoder of the papers."""
        shared = set(cls.model_fields) & set(vars(published))
        return cls(kind="decoder", **{name: getattr(published, name) for name in shared} | changes)

    def config(self, n_vocab: int, n_ctx: int) -> DecoderConfig:
        """The decoder with its vocabulary, to be trained on windows of ``n_ctx`` tokens."""
        others = self.model_dump(exclude={"kind", "n_positions"})
        return DecoderConfig(n_vocab=n_vocab, n_ctx=self.n_positions or n_ctx, **others)

    def build(self, n_vocab: int, n_ctx: int) -> Decoder:
        """The decoder before training, drawn from torch's generator."""
        return Decoder(self.config(n_vocab, n_ctx))

    def parameters(self, n_vocab: int, n_ctx: int) -> int:
        """How many it trains."""
        return count_parameters(self.config(n_vocab, n_ctx)).total

    def flops_per_token(self, n_vocab: int, n_ctx: int) -> float:
        """What a token of the training costs."""
        return training_flops_per_token(self.config(n_vocab, n_ctx), n_ctx)


def gpt2_decoder(n_layers: int, d_model: int, n_heads: int, **others: Any) -> DecoderNetwork:
    """A decoder in GPT-2's arrangement: norm before each half, residual projections that start smaller."""
    return DecoderNetwork(
        kind="decoder",
        n_layers=n_layers,
        d_model=d_model,
        n_heads=n_heads,
        norm="pre",
        residual_init="scaled",
        **others,
    )


class LSTMNetwork(Config):
    """An LSTM of one layer, as in GPT-1's ablation (section 5)."""

    kind: Literal["lstm"]
    beside: DecoderNetwork
    """The decoder whose width and dropout it shares."""
    units: int | None = None
    """As many as give it that decoder's number of parameters when None."""

    @property
    def n_layers(self) -> int:
        """Its one layer."""
        return 1

    def config(self, n_vocab: int, n_ctx: int) -> LSTMConfig:
        """The LSTM with its vocabulary."""
        decoder = self.beside.config(n_vocab, n_ctx)
        if self.units is None:
            return equal_lstm(decoder)
        return LSTMConfig(n_vocab, n_ctx, decoder.d_model, self.units, dropout=decoder.dropout)

    def build(self, n_vocab: int, n_ctx: int) -> LSTMLanguageModel:
        """The LSTM before training, drawn from torch's generator."""
        return LSTMLanguageModel(self.config(n_vocab, n_ctx))

    def parameters(self, n_vocab: int, n_ctx: int) -> int:
        """How many it trains."""
        return lstm_parameters(self.config(n_vocab, n_ctx))

    def flops_per_token(self, n_vocab: int, n_ctx: int) -> float:
        """What a token of the training costs."""
        return lstm_flops_per_token(self.config(n_vocab, n_ctx))


class NGram(Config):
    """Kneser-Ney's counts of the windows that a network would read; nothing is trained."""

    kind: Literal["n_gram"]
    order: int
    """Tokens of the longest n-gram."""


Network = Annotated[DecoderNetwork | LSTMNetwork | NGram, Field(discriminator="kind")]
