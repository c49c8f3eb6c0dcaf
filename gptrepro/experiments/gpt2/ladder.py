"""Does a larger decoder go on learning from the text that a smaller one read (GPT-2, section 4, Figure 4)?

Decoders in GPT-2's arrangement read the same windows of web text and novels in the same order, less than
once. What follows on a language model that nobody trained for a task reads these runs: weights are kept at
every point, each of which is a finished model (`TextTraining.cooldown`).

- They are scored on held-out pages and on novels by authors of whom they have read nothing.
- Figure 4 asks whether they fit what they read better than what they did not. That is measured on windows
  that were read and on windows of the same texts that come later in the same order, so that nothing but the
  reading tells them apart.
- The rate falls with the width. By how much is chosen on a pilot seed at the full length, for two widths,
  on novels that no report scores (`gpt2-ladder-learning-rate`).

A reader's machine may lack bf16, in which the laptop scale is stated: there it is emulated, and slow.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fractions import Fraction
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from gptrepro.evaluate.likelihood import token_nll
from gptrepro.experiments.arms import TextArms
from gptrepro.experiments.base import (
    FIRST_REPORT_SEED,
    CorpusRef,
    Experiment,
    Measurement,
    Outcomes,
    Row,
    Unit,
    register,
    row,
)
from gptrepro.experiments.learning_rate_sweep import LearningRateSweep, learning_rate_experiment
from gptrepro.experiments.networks import DecoderNetwork, gpt2_decoder
from gptrepro.experiments.training import PASSAGES, TextTraining, TokenizedText
from gptrepro.experiments.writing import PROMPTS, written
from gptrepro.model.counting import count_parameters
from gptrepro.model.language_model import inference
from gptrepro.published import PUBLISHED
from gptrepro.scales import Scale

MILESTONES = tuple(Fraction(1, 2**k) for k in (3, 2, 1, 0))
"""Shares of the tokens after which all sizes are finished and scored."""

WINDOWS = 256
"""Windows that were read, and as many that were not, on which Figure 4's gap is measured."""

RATE_TIMES_WIDTH = 0.4
"""Peak learning rate times width."""

TRIED = (0.2, 0.4, 0.8)
"""What the sweeps try in its place."""

PAGE_PROMPTS = ("The government of", "In order to install")
"""The beginnings of a page, beside those of a novel."""


class Ladder(TextArms):
    """Trainings that differ in their network and its rate alone, and what they are scored on."""

    unseen: dict[str, str]
    """Corpora of held-out text, by what readers call them."""

    @property
    def corpora(self) -> list[CorpusRef]:
        """The text that is read, and all that is scored."""
        return list(
            dict.fromkeys([*super().corpora, *(CorpusRef(name, "heldout") for name in self.unseen.values())])
        )

    def texts(self, unit: Unit) -> dict[str, Any]:
        """The held-out texts as tokens."""
        arm = next(iter(self.arms.values()))
        return {
            name: arm.model_copy(update={"heldout": corpus}).tokenized(unit.prepared).heldout
            for name, corpus in self.unseen.items()
        }


def outside_embeddings(arm: TextTraining) -> int:
    """Parameters of the blocks, by which Kaplan et al. (2020) measure a model."""
    assert isinstance(arm.network, DecoderNetwork)
    return count_parameters(arm.network.config(arm.n_vocab, arm.n_ctx)).blocks


def compared_windows(arm: TextTraining, text: TokenizedText, seed: int) -> dict[str, NDArray[np.int64]]:
    """Windows from the middle of the training, and the first that come after it: (n, n_ctx + 1) each.

    Each point is a training of its own length, and so has windows of its own.
    """
    batches, found = arm.batches(text, seed), {}
    read = arm.updates * arm.batch_size
    for name, first in {"read": read // 2, "unread": read}.items():
        batches.seek(first)
        found[name] = batches.take(min(WINDOWS, read // 2))
    return found


def _nats(model: Any, windows: NDArray[np.int64]) -> float:
    """Mean loss per token."""
    ids = torch.from_numpy(windows)
    with inference(model):
        return float(token_nll(model, ids[:, :-1], ids[:, 1:]).nll.double().mean())


def _measure(config: Ladder, unit: Unit) -> Measurement:
    unseen = config.texts(unit)

    def scores(arm: TextTraining, model: Any, text: TokenizedText) -> Mapping[str, float]:
        found = {
            f"{name} {number}": bits
            for name, passages in unseen.items()
            for number, bits in enumerate(arm.score_passages(model, passages))
        }
        return found | {
            name: _nats(model, some) for name, some in compared_windows(arm, text, unit.seed).items()
        }

    results = config.train(unit, scores)
    rows: list[Row] = []
    outcomes, texts = [], []
    for name, arm in config.arms.items():
        size = outside_embeddings(arm)
        for at in arm.milestones:
            scored, share = arm.row_at(results[name], at), float(at)
            for domain in unseen:
                bits = [scored[f"{domain} {number}"] for number in range(PASSAGES)]
                mean = float(np.mean(bits))
                one = row(mean, "bits_per_byte", domain=domain, parameters=size, fraction=share)
                rows.append(one)
                outcomes.append(Outcomes({key: one[key] for key in one if key != "value"}, bits))
            rows += [
                row(scored[text], "nll_per_token", text=text, parameters=size, fraction=share)
                for text in ("read", "unread")
            ]
        if unit.seed == FIRST_REPORT_SEED:
            prompts = PROMPTS + PAGE_PROMPTS
            texts += written(arm, unit, unit.folder / name, Fraction(1), prompts=prompts, parameters=size)
    return config.measurement(unit, results, rows, ("loss",), outcomes, texts)


def _ladder(networks: Iterable[DecoderNetwork], unseen: dict[str, str], **training: Any) -> Ladder:
    return Ladder(
        unseen=unseen,
        arms={
            f"{network.n_layers}x{network.d_model}": TextTraining(
                network=network,
                heldout=next(iter(unseen.values())),
                tokenizer="gpt2",
                schedule="linear",
                cooldown=Fraction(1, 5),
                milestones=MILESTONES,
                peak_learning_rate=RATE_TIMES_WIDTH / network.d_model,
                **training,
            )
            for network in networks
        },
    )


def _sizes(*sizes: tuple[int, int]) -> list[DecoderNetwork]:
    """Decoders of so many layers and such a width, with GPT-2's heads of 64 where that makes at least two."""
    return [gpt2_decoder(layers, width, max(2, width // 64)) for layers, width in sizes]


_PUBLISHED = [model.decoder for model in PUBLISHED.values() if model.paper == "gpt2"]
_MIXED = {"webtext-no-wikipedia": 1.0, "books": 1.0}
_UNSEEN = {"pages": "webtext-no-wikipedia", "novels": "novels-unread"}

CONFIGS = {
    Scale.SMOKE: _ladder(
        _sizes((1, 16), (2, 32), (3, 48)), {"plays": "plays"}, corpus="plays", n_vocab=512, n_ctx=32,
        tokens=40 * 8 * 32, corpus_tokens=50_000, tokenizer_documents=1, heldout_tokens=4096,
    ),
    Scale.LAPTOP: _ladder(
        _sizes((2, 64), (3, 96), (4, 128), (4, 192), (6, 256)), _UNSEEN, corpus=_MIXED, n_vocab=2048,
        n_ctx=128, tokens=3_000_000, batch_size=16, heldout_tokens=32_768, precision="bf16",
    ),
    Scale.GPU: _ladder(
        _sizes((2, 96), (4, 160), (6, 256), (8, 384), (12, 576)), _UNSEEN, corpus=_MIXED, n_vocab=8192,
        n_ctx=256, tokens=8_000_000, heldout_tokens=262_144, precision="bf16",
    ),
    Scale.PAPER: _ladder(
        map(DecoderNetwork.like, _PUBLISHED), {"pages": "openwebtext"}, corpus="openwebtext", n_vocab=50257,
        n_ctx=1024, tokens=8_000_000_000, batch_size=512, heldout_tokens=1_000_000, precision="bf16",
    ),
}  # fmt: skip

LADDER = register(
    Experiment(
        name="gpt2-ladder",
        version=2,
        paper="gpt2",
        question="How do bits per byte of unseen text fall with size and tokens, and of text that was read?",
        configs=CONFIGS,
        seeds=dict.fromkeys(Scale, (100, 101, 102)) | {Scale.SMOKE: (100,)},
        corpora=lambda config: config.corpora,
        budget=TextArms.budget,
        measure=_measure,
        replicated_over="both",
        labels={"text": {"read": "text that was read", "unread": "later text"}},
    )
)

SWEPT = {Scale.SMOKE: ("1x16", "3x48"), Scale.LAPTOP: ("2x64", "4x128"), Scale.GPU: ("2x96", "6x256")}
"""Two widths whose rates are swept."""


def _width(arm: TextTraining) -> int:
    assert isinstance(arm.network, DecoderNetwork)
    return arm.network.d_model


def _sweep(which: int) -> dict[Scale, LearningRateSweep]:
    """A whole training at each rate, scored on novels that no report scores."""
    swept = {}
    for scale, names in SWEPT.items():
        arm = CONFIGS[scale].arms[names[which]]
        if scale is not Scale.SMOKE:
            arm = arm.model_copy(update={"heldout": "novels-familiar"})
        width = _width(arm)
        swept[scale] = LearningRateSweep.of(arm, arm.updates, tuple(tried / width for tried in TRIED))
    return swept


NARROW_RATE, WIDE_RATE = (
    register(
        learning_rate_experiment(
            f"gpt2-ladder-{called}-learning-rate",
            "gpt2",
            f"Which peak learning rate is best for a {called} decoder of the ladder?",
            _sweep(which),
        )
    )
    for which, called in enumerate(("narrow", "wide"))
)
