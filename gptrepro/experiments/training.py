"""One training on running text: of which network, on what, for how long.

A `TextTraining` is a plain value. From it follow the data that it reads, the optimiser's settings, the
weights at each fraction of the run and the cost; so that experiments differ only in what they measure.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import torch
from pydantic import Field, model_validator

from gptrepro.earlier.kneser_ney import KneserNey
from gptrepro.errors import GptreproError
from gptrepro.evaluate.perplexity import Perplexity, TokenStream, evaluate_perplexity
from gptrepro.experiments.base import Budget, Config, CorpusRef, Unit, UnitOver
from gptrepro.experiments.networks import Network, NGram
from gptrepro.model import Decoder
from gptrepro.model.language_model import LanguageModel, device_of, tokens_together
from gptrepro.model.lstm import LSTMLanguageModel
from gptrepro.sources.corpora import Corpus, load_corpus
from gptrepro.text.batches import Batches
from gptrepro.text.mixture import Mixture
from gptrepro.text.samples import Sample, spread_passages
from gptrepro.text.shards import TokenShards, write_shards
from gptrepro.tokenizer import Tokenizer
from gptrepro.tokenizer.trained import TokenizerKind, tokenizer_folder, trained_tokenizer
from gptrepro.train.loop import TrainResult, train
from gptrepro.train.precision import PrecisionName, choose_device
from gptrepro.train.schedule import ScheduleShape
from gptrepro.train.settings import TrainSettings
from gptrepro.train.state import branch_point, load_weights, weights_file

PASSAGES = 32
"""Equal parts of a scored text."""

LONGEST_WARMUP = 2000
"""Updates of GPT-1's warm-up (section 4.1)."""


def _batch_size(fields: dict[str, Any]) -> int:
    """As many sequences as make about 2,000 updates, but at least 8 and at most GPT-1's 64."""
    sequences: int = round(fields["tokens"] / (2000 * fields["n_ctx"]))
    return min(64, max(8, sequences))


def _warmup_updates(fields: dict[str, Any]) -> int:
    """A twentieth of the updates, at most GPT-1's."""
    updates: int = math.ceil(fields["tokens"] / (fields["batch_size"] * fields["n_ctx"]))
    return min(LONGEST_WARMUP, math.ceil(updates / 20))


@dataclass(frozen=True)
class TokenizedText:
    """What a training reads and what it is scored on, as tokens."""

    train: Mapping[str, TokenShards]
    """By corpus."""
    heldout: TokenStream
    tokenizer_digest: str

    @property
    def n_train_tokens(self) -> int:
        """Tokens of all corpora together."""
        return sum(shards.n_tokens for shards in self.train.values())


class TextTraining(Config):
    """A network, what it reads, and how it is trained.

    What is left out of the batch and the warm-up is derived from the rest when the value is made, and stays
    as it is in copies that are cut short.
    """

    network: Network
    corpus: str | dict[str, float]
    """The text that is read; several with their weights are a mixture."""
    heldout: str | None = None
    """The corpus whose held-out text is scored, where it is not the one that is read: some have none of
    their own."""
    tokenizer: TokenizerKind
    """Whose way of tokenizing; the tokenizer is trained on the text that is read."""
    n_vocab: int
    n_ctx: int
    """Tokens in a window of the training."""
    tokens: int
    """Training tokens; rounded up to whole updates."""
    batch_size: int = Field(default_factory=_batch_size)
    """Sequences of ``n_ctx`` tokens in an update."""
    peak_learning_rate: float
    """Counting has no use for it."""
    warmup_updates: int = Field(default_factory=_warmup_updates)
    schedule: ScheduleShape = "cosine"
    final_rate_fraction: float = 0.0
    """The last learning rate as a fraction of the peak."""
    cooldown: Fraction | None = None
    """The share of the tokens over which alone the rate falls, at the end; until then it stays at the peak.
    Each milestone is then a finished model, a branch of this training: the same training with so many tokens
    in all, of which it repeats its own cooldown alone (Hägele et al. 2024, section 3)."""
    weight_decay: float = 0.01
    precision: PrecisionName = "fp32"
    """The number format of the matrix products: stated, so that another machine measures the same."""
    milestones: tuple[Fraction, ...] = (Fraction(1),)
    """Fractions of the training after which it is scored and its weights are kept; without any, it is scored
    at the end and nothing is kept."""
    corpus_tokens: int | None = None
    """Tokens of each text that are used; all of them when None."""
    tokenizer_documents: int | None = None
    """Documents of each corpus that the tokenizer is trained on; all of them when None."""
    tokenizer_corpora: tuple[str, ...] | None = None
    """Corpora that the tokenizer is trained on, so that trainings on different texts share one; those that
    are read when None."""
    heldout_tokens: int | None = None
    """Held-out tokens that are scored, in passages spread over all held-out texts; all of the tokens when
    None."""

    @model_validator(mode="after")
    def _names_what_is_scored(self) -> TextTraining:
        if self.heldout is None and not isinstance(self.corpus, str):
            raise ValueError("a mixture has no held-out text of its own: name the corpus of it as heldout")
        return self

    # What it reads.

    @property
    def weights(self) -> dict[str, float]:
        """The corpora that are read and how often each is drawn, relative to the others."""
        return {self.corpus: 1.0} if isinstance(self.corpus, str) else self.corpus

    @property
    def train_corpora(self) -> list[CorpusRef]:
        """The text that is read."""
        return [CorpusRef(name, "train") for name in self.weights]

    @property
    def scored_corpus(self) -> CorpusRef:
        """The text that is scored."""
        return CorpusRef(self.heldout or next(iter(self.weights)), "heldout")

    @property
    def corpora(self) -> list[CorpusRef]:
        """The text that is read, the text that is scored, and what the tokenizer is trained on besides."""
        others = [CorpusRef(name, "train") for name in self.tokenizer_corpora or ()]
        return list(dict.fromkeys([*self.train_corpora, self.scored_corpus, *others]))

    def load_tokenizer(self, prepared: Path) -> Tokenizer:
        """The tokenizer, trained on the text that is read or found below ``prepared``."""
        return trained_tokenizer(*self._tokenizer(prepared))

    def tokenizer_folder(self, prepared: Path) -> Path:
        """Where `load_tokenizer` keeps it."""
        return tokenizer_folder(*self._tokenizer(prepared))

    def _tokenizer(self, prepared: Path) -> tuple[TokenizerKind, list[Corpus], int, Path, int | None]:
        texts = [load_corpus(name, split="train") for name in self.tokenizer_corpora or self.weights]
        return self.tokenizer, texts, self.n_vocab, prepared, self.tokenizer_documents

    def tokenized(self, prepared: Path) -> TokenizedText:
        """All text as tokens, written below ``prepared`` or found there."""
        tokenizer = self.load_tokenizer(prepared)
        *read, scored = (
            write_shards(
                load_corpus(corpus.name, split=corpus.split),
                tokenizer,
                prepared / "shards",
                limit_tokens=self.corpus_tokens,
            )
            for corpus in [*self.train_corpora, self.scored_corpus]
        )
        part = scored if self.heldout_tokens is None else spread_passages(scored, self.heldout_tokens)
        return TokenizedText(dict(zip(self.weights, read, strict=True)), part, tokenizer.digest)

    def batches(self, text: TokenizedText, seed: int) -> Batches | Mixture:
        """The training text in the order of a seed, which is the same for every network."""
        sources = [
            (Batches(text.train[name], self.batch_size, self.n_ctx, seed), weight)
            for name, weight in self.weights.items()
        ]
        return sources[0][0] if len(sources) == 1 else Mixture(sources, seed)

    # How it is trained.

    @property
    def updates(self) -> int:
        """Optimiser steps."""
        return math.ceil(self.tokens / (self.batch_size * self.n_ctx))

    def milestone(self, fraction: Fraction | float) -> int:
        """The update that completes ``fraction`` of the training; 0 is before the first."""
        return max(1, round(self.updates * fraction)) if fraction else 0

    @property
    def cooldown_updates(self) -> int | None:
        """Updates over which the rate falls, where there is a cooldown."""
        return None if self.cooldown is None else max(1, round(self.updates * self.cooldown))

    @property
    def branches(self) -> dict[int, TextTraining]:
        """By their last update, the trainings that end at a milestone and share this one's constant rate."""
        ends = {self.milestone(fraction) for fraction in self.milestones} - {self.updates}
        one = self.batch_size * self.n_ctx
        return {
            end: self.model_copy(update={"tokens": end * one, "milestones": (Fraction(1),)})
            for end in sorted(ends if self.cooldown is not None else ())
        }

    def settings(self, seed: int) -> TrainSettings:
        """The training of a seed, without its branches."""
        kept = tuple(dict.fromkeys(self.milestone(fraction) for fraction in self.milestones))
        if self.cooldown is not None:
            kept = tuple(update for update in kept if update == self.updates)
        return TrainSettings(
            steps=self.updates,
            batch_size=self.batch_size,
            context=self.n_ctx,
            peak_lr=self.peak_learning_rate,
            warmup_steps=self.warmup_updates,
            schedule=self.schedule,
            cooldown_steps=self.cooldown_updates,
            final_lr_fraction=self.final_rate_fraction,
            weight_decay=self.weight_decay,
            seed=seed,
            precision=self.precision,
            log_every=max(1, self.updates // 50),
            evaluate_at=kept,
            checkpoint_at=(0, *kept) if kept else (),
            branch_at=tuple(map(_branches_at, self.branches.values())),
        )

    @property
    def n_layers(self) -> int:
        """Layers of the network."""
        return 0 if isinstance(self.network, NGram) else self.network.n_layers

    def model(self) -> Decoder | LSTMLanguageModel:
        """The network before training, drawn from torch's generator.

        Raises:
            GptreproError: it is a counting model.
        """
        if isinstance(self.network, NGram):
            raise GptreproError("Counts of n-grams are no network: train a decoder or an LSTM.")
        return self.network.build(self.n_vocab, self.n_ctx)

    def fresh(self, seed: int) -> Decoder | LSTMLanguageModel:
        """The network before training, drawn from torch's generator, which is seeded."""
        torch.manual_seed(seed)
        return self.model()

    def pretrained(
        self, folder: Path, fraction: Fraction | float = 1, *, device: str = "auto"
    ) -> Decoder | LSTMLanguageModel:
        """The network, in evaluation mode, as the seed that was trained in ``folder`` had it after
        ``fraction`` of its training; 0 is untrained.

        Raises:
            GptreproError: the weights of that fraction were not kept, it is a counting model, or there is no
                such device.
        """
        model, update = self.model(), self.milestone(fraction)
        place = _branch_folder(folder, update) if update in self.branches else folder
        load_weights(model, weights_file(place, update))
        return model.to(choose_device(device)).eval()

    def train(
        self,
        unit: Unit,
        *,
        folder: Path | None = None,
        evaluate: Evaluate | None = None,
        name: str | None = None,
    ) -> TrainResult:
        """Train the network of a seed and its branches, or go on; what has finished is only read.

        Args:
            unit: its seed draws the weights and the order of the text.
            folder: gets checkpoints, metrics and weights; the unit's own when None.
            evaluate: what is measured at each milestone; the held-out losses when None.
            name: what the progress bar says beside the seed; the kind of network when None.

        Raises:
            UnitOver: the unit's time is used up.
        """
        text = self.tokenized(unit.prepared)
        scores = evaluate or heldout_scores
        if isinstance(self.network, NGram):
            return self._counted(self.network, text, unit.seed, scores)
        place, called = folder or unit.folder, f"{name or self.network.kind}, seed {unit.seed}"
        whole = self._trained(unit, text, place, scores, called)
        history = {row["step"]: row for row in whole.history}
        tokens, seconds = whole.tokens, whole.seconds
        for end, branch in self.branches.items():
            begin = branch_point(place, _branches_at(branch))
            found = branch._trained(
                unit, text, _branch_folder(place, end), scores, f"{called}, ending at {end}", begin
            )
            history[end] = found.history[-1]
            tokens += (end - _branches_at(branch)) * self.batch_size * self.n_ctx
            seconds += found.seconds
        return replace(
            whole, tokens=tokens, seconds=seconds, history=[history[step] for step in sorted(history)]
        )

    def _trained(
        self,
        unit: Unit,
        text: TokenizedText,
        folder: Path,
        scores: Evaluate,
        name: str,
        branch_from: Path | None = None,
    ) -> TrainResult:
        """The training of a seed in a folder, without its branches."""
        result = train(
            self.fresh(unit.seed),
            self.batches(text, unit.seed),
            replace(self.settings(unit.seed), compile=unit.compile),
            folder,
            evaluate=lambda model: scores(self, model, text),
            device=unit.device,
            stop_after_seconds=unit.seconds_left(),
            name=name,
            branch_from=branch_from,
        )
        if not result.finished:
            raise UnitOver
        return result

    def _counted(self, network: NGram, text: TokenizedText, seed: int, scores: Evaluate) -> TrainResult:
        """Count the windows that a network of this seed would read, whole and in part."""
        began = time.monotonic()
        windows = self.batches(text, seed).take(self.updates * self.batch_size)  # (W, n_ctx + 1)
        history: list[dict[str, float]] = []
        for update in sorted({self.milestone(fraction) for fraction in (*self.milestones, Fraction(1))}):
            model = KneserNey(windows[: update * self.batch_size], self.n_vocab, network.order)
            read = {"step": update, "tokens": update * self.batch_size * self.n_ctx}
            history.append(read | dict(scores(self, model, text)))
        # Like its budget, it has trained on no token.
        return TrainResult(True, self.updates, 0, time.monotonic() - began, history)

    def row_at(self, result: TrainResult, fraction: Fraction | float = 1) -> dict[str, float]:
        """What was logged and scored after a milestone of the training."""
        return next(row for row in result.history if row["step"] == self.milestone(fraction))

    def score(self, model: LanguageModel | KneserNey, text: TokenStream) -> Perplexity:
        """How well a model predicts a text: a network in windows of ``n_ctx`` tokens that start from nothing,
        counts from as many tokens back as they have, wherever they are."""
        if isinstance(model, KneserNey):
            nll = model.nll(text.tokens.astype(np.int64))
            share = len(nll) / text.n_tokens
            words, n_bytes = text.n_words * share, text.n_bytes * share
            return Perplexity(float(nll.mean()), len(nll), words, n_bytes, window_nll=[])
        together = max(1, tokens_together(device_of(model)) // self.n_ctx)
        return evaluate_perplexity(model, text, self.n_ctx, batch_size=together)

    def score_passages(self, model: LanguageModel | KneserNey, text: TokenStream) -> list[float]:
        """Bits per byte of `PASSAGES` equal parts of a text, to take intervals over as well as over seeds."""
        length = text.n_tokens // PASSAGES
        n_bytes, n_words = (n * length // text.n_tokens for n in (text.n_bytes, text.n_words))
        parts = text.tokens[: PASSAGES * length].reshape(PASSAGES, length)
        return [self.score(model, Sample(part, n_bytes, n_words)).bits_per_byte for part in parts]

    def budget(self) -> Budget:
        """What the training of one network costs; counting is free."""
        if isinstance(self.network, NGram):
            return Budget(parameters=0, tokens=0, flops=0.0, updates=0)
        updates = self.updates + sum(branch.cooldown_updates or 0 for branch in self.branches.values())
        tokens = updates * self.batch_size * self.n_ctx
        return Budget(
            parameters=self.network.parameters(self.n_vocab, self.n_ctx),
            tokens=tokens,
            updates=updates,
            flops=tokens * self.network.flops_per_token(self.n_vocab, self.n_ctx),
        )


def _branches_at(branch: TextTraining) -> int:
    """The last update that a branch has in common with the training that it leaves."""
    return branch.updates - (branch.cooldown_updates or 0)


def _branch_folder(folder: Path, end: int) -> Path:
    """Where the branch that ends with an update is trained, below the folder of the whole training."""
    return folder / "branches" / f"step-{end:08d}"


Evaluate = Callable[[TextTraining, Any, TokenizedText], Mapping[str, float]]
"""From a training, its model (a network or `KneserNey`) and its text to named figures."""


def heldout_scores(training: TextTraining, model: Any, text: TokenizedText) -> Mapping[str, float]:
    """Loss and perplexity on the held-out text."""
    scored = training.score(model, text.heldout)
    return {
        "heldout_nll": scored.nll_per_token,
        "heldout_perplexity": scored.perplexity_per_token,
        "heldout_perplexity_per_word": scored.perplexity_per_word,
        "heldout_bits_per_byte": scored.bits_per_byte,
    }
