"""GPT-1's pre-training (section 3.1): a post-LN decoder reads novels, and unseen novels are scored."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import torch

from gptrepro.evaluate.perplexity import evaluate_perplexity
from gptrepro.experiments.base import (
    Budget,
    Config,
    Corpus,
    Experiment,
    Measurement,
    Unit,
    UnitOver,
    register,
    thin_out,
)
from gptrepro.experiments.prepare import spread_passages, trained_tokenizer
from gptrepro.model import Decoder, DecoderConfig
from gptrepro.model.counting import count_parameters, training_flops_per_token
from gptrepro.published import PUBLISHED
from gptrepro.scales import Scale
from gptrepro.text.batches import Batches
from gptrepro.text.shards import TokenShards, write_shards
from gptrepro.text.sources import load_corpus
from gptrepro.train import TrainSettings, train

MILESTONES = tuple(Fraction(1, 2**k) for k in range(6, -1, -1))
"""Fractions of the training tokens after which the held-out novels are scored: 1/64, 1/32, ... 1."""

EVALUATION_BATCH_TOKENS = 4096
"""Tokens that are scored together; it changes speed and nothing else."""


class PretrainingConfig(Config):
    """Pre-training of a GPT-1 decoder (post-LN, GPT-1's own tokenizer) on running text."""

    corpus: str
    corpus_tokens: int | None
    """Tokens of the training text that are used; all of them when None."""
    tokenizer_documents: int | None
    """Documents that the tokenizer is trained on; all of them when None."""
    n_vocab: int
    n_ctx: int
    n_layers: int
    d_model: int
    n_heads: int
    init_std: float
    """The paper's 0.02 belongs to its width of 768. Narrow models need ``0.02 * sqrt(768 / d_model)``, which
    gives every projection the same gain: with 0.02 a post-LN decoder of width 160 still predicted token
    frequencies, and nothing else, after 400 updates of a pilot run."""
    dropout: float
    tokens: int
    """Training tokens; rounded up to whole updates."""
    batch_size: int
    """Sequences of ``n_ctx`` tokens in an update."""
    peak_learning_rate: float
    warmup_updates: int
    weight_decay: float
    heldout_tokens: int | None
    """Held-out tokens that are scored at each milestone, in passages spread over all held-out books; all of
    the tokens when None."""

    @property
    def decoder(self) -> DecoderConfig:
        """The model that is trained."""
        return DecoderConfig(
            n_vocab=self.n_vocab,
            n_ctx=self.n_ctx,
            n_layers=self.n_layers,
            d_model=self.d_model,
            n_heads=self.n_heads,
            init_std=self.init_std,
            dropout=self.dropout,
        )

    @property
    def updates(self) -> int:
        """Optimiser steps."""
        return math.ceil(self.tokens / (self.batch_size * self.n_ctx))

    def milestone(self, fraction: Fraction) -> int:
        """The update that completes ``fraction`` of the training."""
        return max(1, round(self.updates * fraction))

    def settings(self, seed: int) -> TrainSettings:
        """The training of a seed."""
        return TrainSettings(
            steps=self.updates,
            batch_size=self.batch_size,
            context=self.n_ctx,
            peak_lr=self.peak_learning_rate,
            warmup_steps=self.warmup_updates,
            weight_decay=self.weight_decay,
            seed=seed,
            log_every=max(1, self.updates // 50),
            evaluate_at=tuple(self.milestone(fraction) for fraction in MILESTONES),
        )


def milestone_metric(fraction: Fraction) -> str:
    """Name of the held-out loss at a milestone, such as ``heldout_nll_at_1_8``."""
    return f"heldout_nll_at_{fraction.numerator}_{fraction.denominator}"


HELDOUT_STAND_IN = {"bookcorpus": "books"}
"""Corpora without a held-out split of their own, and the one whose split stands in: that of BooksCorpus was
never released."""


@dataclass(frozen=True)
class Novels:
    """What pre-training reads and is scored on, as tokens."""

    train: TokenShards
    heldout: TokenShards
    tokenizer: str
    """Digest of the tokenizer."""

    @classmethod
    def prepare(cls, config: PretrainingConfig, folder: Path) -> Novels:
        """Train the tokenizer and write the shards under ``folder``, or find them there."""
        train_text, heldout_text = (load_corpus(c.name, split=c.split) for c in corpora(config))
        tokenizer = trained_tokenizer(
            "gpt1", train_text, config.n_vocab, folder, documents=config.tokenizer_documents
        )
        train_shards, heldout_shards = (
            write_shards(text, tokenizer, folder / "shards", limit_tokens=config.corpus_tokens)
            for text in (train_text, heldout_text)
        )
        return cls(train_shards, heldout_shards, tokenizer.digest)

    def batches(self, config: PretrainingConfig, seed: int) -> Batches:
        """The training text in the order of a seed."""
        return Batches(self.train, batch_size=config.batch_size, context=config.n_ctx, seed=seed)


def fresh_decoder(config: PretrainingConfig, seed: int) -> Decoder:
    """The model before training, drawn from torch's generator, which is seeded."""
    torch.manual_seed(seed)
    return Decoder(config.decoder)


def corpora(config: PretrainingConfig) -> list[Corpus]:
    """The text that is read, and the text that is scored."""
    heldout = HELDOUT_STAND_IN.get(config.corpus, config.corpus)
    return [Corpus(config.corpus, "train"), Corpus(heldout, "heldout")]


def budget(config: PretrainingConfig) -> Budget:
    """What one training costs."""
    tokens = config.updates * config.batch_size * config.n_ctx
    return Budget(
        parameters=count_parameters(config.decoder).total,
        tokens=tokens,
        flops=tokens * training_flops_per_token(config.decoder, config.n_ctx),
    )


def _measure(config: PretrainingConfig, unit: Unit) -> Measurement:
    novels = Novels.prepare(config, unit.prepared)
    result = train(
        fresh_decoder(config, unit.seed),
        novels.batches(config, unit.seed),
        config.settings(unit.seed),
        unit.folder,
        evaluate=lambda trained: heldout_metrics(trained, novels.heldout, config),
        stop_after_seconds=unit.seconds_left(),
        name=f"gpt1-pretraining seed {unit.seed}",
    )
    if not result.finished:
        raise UnitOver
    return Measurement(
        metrics=_metrics(config, result.history, epochs=result.tokens / novels.train.n_tokens),
        history=thin_out(result.history),
        tokens=result.tokens,
        flops=budget(config).flops,
        tokenizer=novels.tokenizer,
    )


def heldout_metrics(model: Decoder, heldout: TokenShards, config: PretrainingConfig) -> Mapping[str, float]:
    """Loss and perplexity on the held-out novels."""
    scored = evaluate_perplexity(
        model,
        heldout if config.heldout_tokens is None else spread_passages(heldout, config.heldout_tokens),
        config.n_ctx,
        batch_size=max(1, EVALUATION_BATCH_TOKENS // config.n_ctx),
    )
    return {
        "heldout_nll": scored.nll_per_token,
        "heldout_perplexity": scored.perplexity_per_token,
        "heldout_perplexity_per_word": scored.perplexity_per_word,
        "heldout_bits_per_byte": scored.bits_per_byte,
    }


def _metrics(
    config: PretrainingConfig, history: list[dict[str, float]], *, epochs: float
) -> dict[str, float]:
    at_step = {int(row["step"]): row for row in history if "heldout_nll" in row}
    final = at_step[config.updates]
    return {
        **{
            milestone_metric(fraction): at_step[config.milestone(fraction)]["heldout_nll"]
            for fraction in MILESTONES
        },
        "heldout_perplexity": final["heldout_perplexity"],
        "heldout_perplexity_per_word": final["heldout_perplexity_per_word"],
        "heldout_bits_per_byte": final["heldout_bits_per_byte"],
        "train_nll": final["loss"],
        "epochs": epochs,
    }


_PAPER = PUBLISHED["gpt1"]

_AS_PUBLISHED = PretrainingConfig(
    corpus="bookcorpus",
    corpus_tokens=None,
    tokenizer_documents=None,
    n_vocab=_PAPER.decoder.n_vocab,
    n_ctx=_PAPER.decoder.n_ctx,
    n_layers=_PAPER.decoder.n_layers,
    d_model=_PAPER.decoder.d_model,
    n_heads=_PAPER.decoder.n_heads,
    init_std=_PAPER.decoder.init_std,
    dropout=0.1,
    tokens=100_000_000_000,
    batch_size=64,
    peak_learning_rate=2.5e-4,
    warmup_updates=2000,
    weight_decay=0.01,
    heldout_tokens=None,
)

PRETRAINING = register(
    Experiment(
        name="gpt1-pretraining",
        version=1,
        paper="gpt1",
        question="How far does the perplexity of unseen novels fall while a GPT-1 decoder reads novels?",
        configs={
            Scale.SMOKE: PretrainingConfig(
                corpus="plays",
                corpus_tokens=50_000,
                tokenizer_documents=1,
                n_vocab=512,
                n_ctx=32,
                n_layers=2,
                d_model=32,
                n_heads=2,
                init_std=0.098,
                dropout=0.0,
                tokens=64 * 8 * 32,
                batch_size=8,
                peak_learning_rate=3e-3,
                warmup_updates=4,
                weight_decay=0.01,
                heldout_tokens=8192,
            ),
            Scale.LAPTOP: PretrainingConfig(
                corpus="books",
                corpus_tokens=None,
                tokenizer_documents=None,
                n_vocab=6000,
                n_ctx=128,
                n_layers=4,
                d_model=160,
                n_heads=5,
                init_std=0.044,
                dropout=0.0,
                tokens=4_000_000,
                batch_size=16,
                peak_learning_rate=1e-3,
                warmup_updates=100,
                weight_decay=0.01,
                heldout_tokens=131_072,
            ),
            Scale.GPU: _AS_PUBLISHED.model_copy(update={"corpus": "books", "tokens": 400_000_000}),
            Scale.PAPER: _AS_PUBLISHED,
        },
        seeds={Scale.SMOKE: (100,)} | dict.fromkeys((Scale.LAPTOP, Scale.GPU, Scale.PAPER), (100, 101, 102)),
        corpora=corpora,
        budget=budget,
        measure=_measure,
    )
)
