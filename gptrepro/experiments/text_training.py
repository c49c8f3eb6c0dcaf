"""Experiments that train models on the running text of a corpus and score them on its held-out text."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import torch

from gptrepro.evaluate.perplexity import Perplexity, TokenStream, evaluate_perplexity
from gptrepro.experiments.base import Budget, Config, CorpusRef
from gptrepro.experiments.prepare import TokenizerKind, spread_passages, trained_tokenizer
from gptrepro.model import DecoderConfig
from gptrepro.model.counting import count_parameters, training_flops_per_token
from gptrepro.model.language_model import LanguageModel
from gptrepro.model.lstm import LSTMConfig, LSTMLanguageModel
from gptrepro.sources.corpora import load_corpus
from gptrepro.text.shards import TokenShards, write_shards
from gptrepro.tokenizer import Tokenizer
from gptrepro.train import TrainSettings

EVALUATION_BATCH_TOKENS = 4096
"""Tokens that are scored together; it changes speed and nothing else."""


class TextTrainingConfig(Config):
    """What is read, by a model of which size, and how it is trained."""

    corpus: str
    corpus_tokens: int | None
    """Tokens of each split that are used; all of them when None."""
    tokenizer_documents: int | None
    """Documents that the tokenizer is trained on; all of them when None."""
    n_vocab: int
    n_ctx: int
    """Tokens in a window of the training."""
    n_layers: int
    d_model: int
    n_heads: int
    init_std: float
    """The papers' 0.02 belongs to widths of 768 and more. Narrow models need ``0.02 * sqrt(768 / d_model)``,
    which gives every projection the same gain: with 0.02 a post-LN decoder of width 160 still predicted token
    frequencies, and nothing else, after 400 updates of a pilot run."""
    tokens: int
    """Training tokens of each model; rounded up to whole updates."""
    batch_size: int
    """Sequences of ``n_ctx`` tokens in an update."""
    warmup_updates: int
    weight_decay: float
    heldout_tokens: int | None
    """Held-out tokens that are scored, in passages spread over all held-out texts; all of the tokens when
    None."""

    @property
    def corpora(self) -> list[CorpusRef]:
        """The text that is read, and the text that is scored."""
        return [CorpusRef(self.corpus, "train"), CorpusRef(self.corpus, "heldout")]

    @property
    def updates(self) -> int:
        """Optimiser steps of a model."""
        return math.ceil(self.tokens / (self.batch_size * self.n_ctx))

    def milestone(self, fraction: Fraction) -> int:
        """The update that completes ``fraction`` of the training."""
        return max(1, round(self.updates * fraction))

    def sized(self, **arrangement: Any) -> DecoderConfig:
        """A decoder of this size; ``arrangement`` is the rest of its `DecoderConfig`, or another context."""
        size = {name: getattr(self, name) for name in ("n_vocab", "n_ctx", "n_layers", "d_model", "n_heads")}
        return DecoderConfig(**size | {"init_std": self.init_std} | arrangement)

    def trained_at(self, peak_lr: float, seed: int, milestones: tuple[Fraction, ...] = ()) -> TrainSettings:
        """The training of one model, scored after the fractions ``milestones`` of it and at its end."""
        return TrainSettings(
            steps=self.updates,
            batch_size=self.batch_size,
            context=self.n_ctx,
            peak_lr=peak_lr,
            warmup_steps=self.warmup_updates,
            weight_decay=self.weight_decay,
            seed=seed,
            log_every=max(1, self.updates // 50),
            evaluate_at=tuple(self.milestone(fraction) for fraction in milestones),
        )

    def budget(self, decoder: DecoderConfig) -> Budget:
        """What the training of one decoder costs."""
        tokens = self.updates * self.batch_size * self.n_ctx
        return Budget(
            parameters=count_parameters(decoder).total,
            tokens=tokens,
            flops=tokens * training_flops_per_token(decoder, self.n_ctx),
        )


@dataclass(frozen=True)
class TokenizedText:
    """What a training reads and what it is scored on, as tokens."""

    train: TokenShards
    heldout: TokenStream
    tokenizer: str
    """Digest of the tokenizer, which was trained on the training text."""


def tokenizer_of(kind: TokenizerKind, config: TextTrainingConfig, prepared: Path) -> Tokenizer:
    """A paper's kind of tokenizer, trained on the training text or found below ``prepared``."""
    corpus = config.corpora[0]
    return trained_tokenizer(
        kind,
        load_corpus(corpus.name, split=corpus.split),
        config.n_vocab,
        prepared,
        documents=config.tokenizer_documents,
    )


def tokenized(kind: TokenizerKind, config: TextTrainingConfig, prepared: Path) -> TokenizedText:
    """Train a paper's kind of tokenizer and write the shards below ``prepared``, or find them there."""
    texts = [load_corpus(corpus.name, split=corpus.split) for corpus in config.corpora]
    tokenizer = tokenizer_of(kind, config, prepared)
    train, heldout = (
        write_shards(text, tokenizer, prepared / "shards", limit_tokens=config.corpus_tokens)
        for text in texts
    )
    if config.heldout_tokens is None:
        return TokenizedText(train, heldout, tokenizer.digest)
    return TokenizedText(train, spread_passages(heldout, config.heldout_tokens), tokenizer.digest)


def score(model: LanguageModel, text: TokenStream, n_ctx: int) -> Perplexity:
    """How well a language model predicts a text that it reads in windows of ``n_ctx`` tokens."""
    return evaluate_perplexity(model, text, n_ctx, batch_size=max(1, EVALUATION_BATCH_TOKENS // n_ctx))


def equal_lstm(decoder: DecoderConfig, dropout: float = 0.0) -> LSTMConfig:
    """The LSTM of one layer whose parameters are as many as the decoder's, to the nearest unit.

    With h units and embeddings of width d it has 4h(d + h) + 8h in the recurrence, hd + d in the projection
    back, and the embeddings themselves.
    """
    d = decoder.d_model
    rest = count_parameters(decoder).total - decoder.n_vocab * d - d
    b = 5 * d + 8  # 4 h^2 + b h = rest
    units = round((math.sqrt(b * b + 16 * rest) - b) / 8)
    return LSTMConfig(decoder.n_vocab, decoder.n_ctx, d_model=d, d_hidden=units, dropout=dropout)


def lstm_flops_per_token(config: LSTMConfig) -> float:
    """Forward and backward: 6 for each weight of a matrix, the embedding as the output layer it also is."""
    with torch.device("meta"):
        model = LSTMLanguageModel(config)
    return 6.0 * sum(p.numel() for p in model.parameters() if p.ndim == 2)
