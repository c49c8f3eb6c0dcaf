"""Zero-shot behaviour over pre-training (section 5, Figure 2 right): heuristics on every checkpoint.

The decoder of ``gpt1-pretraining`` judges texts, untrained and at each milestone; a second experiment asks
the LSTM of ``gpt1-lstm-pretraining`` about the same ones. Nothing is trained here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from typing import Any

import numpy as np

from gptrepro.evaluate.metrics import METRICS
from gptrepro.evaluate.zero_shot import (
    Paragraphs,
    Reader,
    acceptability,
    accuracy,
    auc,
    best_threshold,
    choices,
    last_words,
    referents,
    sentiment,
)
from gptrepro.experiments.base import (
    Budget,
    Config,
    CorpusRef,
    Experiment,
    Measurement,
    Unit,
    UnitOver,
    register,
)
from gptrepro.experiments.gpt1.labelled import remembered
from gptrepro.experiments.gpt1.pretraining import (
    LSTM_PRETRAINING,
    MILESTONES,
    PRETRAINING,
)
from gptrepro.experiments.training import TextTraining
from gptrepro.scales import Scale
from gptrepro.sources.corpora import load_corpus
from gptrepro.tasks.gpt1 import find_task
from gptrepro.tasks.labelled import Example, TaskData, load_task, subsample
from gptrepro.text.order import random_words
from gptrepro.tokenizer.gpt1 import LINE_END

CHECKPOINTS = (Fraction(0), *MILESTONES)
"""Fractions of the training after which the models are asked; 0 is untrained."""

DECIMALS = 5
"""Of a metric in the record, which has some hundred of them."""

ITEMS_SEED = 0
"""Of the choice of items: all models and seeds see the same."""


class ZeroShotConfig(Config):
    """Which model is asked what."""

    pretraining: TextTraining
    tasks: dict[str, str]
    """The task that each heuristic is tried on; which part of `HEURISTICS` runs."""
    last_words: str | None
    """Corpus of passages whose last word is asked for."""
    items: int
    """The most test items of a task."""

    @property
    def corpora(self) -> list[CorpusRef]:
        """The text that the tokenizer was trained on, and what the models are asked about."""
        asked = [
            CorpusRef(task.data_set, split)
            for task in map(find_task, self.tasks.values())
            for split in task.splits.values()
        ]
        passages = [CorpusRef(self.last_words, "test")] if self.last_words else []
        return [self.pretraining.corpora[0], *dict.fromkeys(asked), *passages]


@dataclass(frozen=True)
class Heuristic:
    """One way of asking, and what guessing would score."""

    ask: Callable[[Reader, list[Example], list[Example]], dict[str, float]]
    """From a reader, examples to choose a threshold by, and those to report on."""
    score: str
    """The metric of these that stands for the heuristic, in the paper's form."""
    chance: float

    def relative(self, score: float) -> float:
        """The share of the way from guessing (0) to no mistake (1). The paper's Figure 2 has the best system
        of its time in the place of no mistake."""
        return (score - self.chance) / (1 - self.chance)


def _acceptability(reader: Reader, dev: list[Example], test: list[Example]) -> dict[str, float]:
    scores = [acceptability(reader, [one.texts[0] for one in part]) for part in (dev, test)]
    right = [np.array([one.label for one in part]) for part in (dev, test)]
    predicted = scores[1] >= best_threshold(right[0], scores[0])
    return {"auc": auc(right[1], scores[1]), "matthews": METRICS["matthews"](right[1], predicted)}


def _sentiment(reader: Reader, dev: list[Example], test: list[Example]) -> dict[str, float]:
    found, right = sentiment(reader, [one.texts[0] for one in test]), [one.label for one in test]
    return {
        "auc": auc(right, found.plain[:, 1] - found.plain[:, 0]),
        "accuracy": accuracy(right, found.plain),
        "accuracy_corrected": accuracy(right, found.corrected),
    }


def _choices(reader: Reader, dev: list[Example], test: list[Example]) -> dict[str, float]:
    found = choices(reader, [one.texts[0] for one in test], [one.answers for one in test])
    right = [one.label for one in test]
    return {"accuracy": accuracy(right, found.plain), "accuracy_corrected": accuracy(right, found.corrected)}


def _referents(reader: Reader, dev: list[Example], test: list[Example]) -> dict[str, float]:
    found = referents(reader, [one.texts[0] for one in test], [one.answers for one in test])
    return {"accuracy": accuracy([one.label for one in test], found)}


HEURISTICS = {
    "acceptability": Heuristic(_acceptability, "auc", chance=0.5),
    "sentiment": Heuristic(_sentiment, "auc", chance=0.5),
    "questions": Heuristic(_choices, "accuracy", chance=0.2),
    "referents": Heuristic(_referents, "accuracy", chance=0.5),
    "word_order": Heuristic(_acceptability, "auc", chance=0.5),
    "continuation": Heuristic(_choices, "accuracy", chance=0.5),
}
"""The paper's four, and two of them on held-out novels."""


def metric_at(fraction: Fraction, arm: str, measure: str) -> str:
    """Name of a metric of a model at a checkpoint, such as ``auc_word_order_decoder_at_1_8``."""
    return f"{measure}_{arm}_at_{fraction.numerator}_{fraction.denominator}"


def relative(metrics: Mapping[str, float], name: str) -> float:
    """Relative performance of a heuristic among the metrics of a model."""
    heuristic = HEURISTICS[name]
    return heuristic.relative(metrics[f"{heuristic.score}_{name}"])


def roughness(curve: Sequence[float]) -> float:
    """How far a curve over the milestones is from a steady one: the root mean square distance from its
    least-squares line over the number of doublings."""
    doublings = np.arange(len(curve))
    line = np.polynomial.Polynomial.fit(doublings, curve, 1)
    return float(np.sqrt(np.mean((np.asarray(curve) - line(doublings)) ** 2)))


def _items(reader: Reader, examples: list[Example], most: int) -> list[Example]:
    """At most so many random examples among those whose texts, or answers, the model can read whole."""
    fitting = [one for one in examples if all(map(reader.fits, one.answers or one.texts))]
    return subsample(fitting, min(most, len(fitting)), ITEMS_SEED) if fitting else []


def _passages(corpus: str, most: int) -> list[str]:
    """At most so many random passages of a corpus."""
    passages = list(load_corpus(corpus, "test").documents())
    order = np.argsort(random_words(ITEMS_SEED, 0, len(passages)), kind="stable")
    return [passages[i] for i in order[:most]]


def ask(reader: Reader, config: ZeroShotConfig, tasks: Mapping[str, TaskData]) -> dict[str, float]:
    """Every metric of one model, by ``<metric>_<heuristic>``; ``skill`` is its mean relative performance."""
    metrics: dict[str, float] = {}
    for name, data in tasks.items():
        dev, test = (_items(reader, part, config.items) for part in (data.dev, data.test))
        metrics |= {
            f"{measure}_{name}": value for measure, value in HEURISTICS[name].ask(reader, dev, test).items()
        }
    metrics["skill"] = float(np.mean([relative(metrics, name) for name in tasks]))
    if config.last_words:
        words = last_words(reader, _passages(config.last_words, config.items))
        metrics |= {"log_p_last_word": words.mean_log_likelihood, "accuracy_last_word": words.accuracy}
    return metrics


def _measure(config: ZeroShotConfig, unit: Unit, arm: str) -> Measurement:
    training = config.pretraining
    (folder,) = unit.sources.values()
    tokenizer = training.load_tokenizer(unit.prepared)
    paragraphs = Paragraphs(tokenizer, tokenizer.vocab[LINE_END])
    tasks = {name: load_task(find_task(task)) for name, task in config.tasks.items()}

    def asked(fraction: Fraction) -> dict[str, float]:
        if not unit.seconds_left():
            raise UnitOver
        reader = Reader(training.pretrained(folder, fraction), paragraphs, training.n_ctx)
        return {name: round(value, DECIMALS) for name, value in ask(reader, config, tasks).items()}

    found = {
        fraction: remembered(
            unit.folder / f"{metric_at(fraction, arm, 'scores')}.json", partial(asked, fraction)
        )
        for fraction in CHECKPOINTS
    }
    metrics = {
        metric_at(at, arm, name): value for at, scores in found.items() for name, value in scores.items()
    }
    curves = [[relative(found[fraction], name) for fraction in MILESTONES] for name in tasks]
    metrics[f"roughness_{arm}"] = float(np.mean([roughness(curve) for curve in curves]))
    return Measurement(metrics, history=[], tokens=0, flops=0.0, tokenizer=tokenizer.digest)


_ALL: dict[str, Any] = {
    "tasks": {
        "acceptability": "cola",
        "sentiment": "sst2",
        "questions": "commonsenseqa",
        "referents": "winograd",
        "word_order": "novel-word-order",
        "continuation": "novel-continuation",
    },
    "last_words": "lambada",
}

_ASKED: dict[Scale, dict[str, Any]] = {
    Scale.SMOKE: {
        "tasks": {"word_order": "play-word-order", "continuation": "play-continuation"},
        "last_words": None,
        "items": 100,
    },
    Scale.LAPTOP: _ALL | {"items": 500},
    Scale.GPU: _ALL | {"items": 5000},
    Scale.PAPER: _ALL | {"items": 5000},
}


def _experiment(
    name: str, arm: str, pretraining: Experiment[Any], config: type[ZeroShotConfig], question: str
) -> Experiment[Any]:
    """The experiment that asks the model of ``pretraining``."""
    return Experiment(
        name=name,
        version=1,
        paper="gpt1",
        question=question,
        configs={
            scale: config(pretraining=pretraining.config(scale), **asked) for scale, asked in _ASKED.items()
        },
        seeds=pretraining.seeds,
        builds_on=lambda seed: {pretraining.name: seed},
        corpora=lambda config: config.corpora,
        budget=lambda config: Budget(parameters=0, tokens=0, flops=0.0),  # nothing is trained
        measure=partial(_measure, arm=arm),
    )


ZERO_SHOT = register(
    _experiment(
        "gpt1-zero-shot",
        "decoder",
        PRETRAINING,
        ZeroShotConfig,
        "What can a language model judge without training for it, and when during pre-training?",
    )
)

LSTM_ZERO_SHOT = register(
    _experiment(
        "gpt1-lstm-zero-shot",
        "lstm",
        LSTM_PRETRAINING,
        ZeroShotConfig,
        "What can an LSTM judge without training for it, and when during its pre-training?",
    )
)
