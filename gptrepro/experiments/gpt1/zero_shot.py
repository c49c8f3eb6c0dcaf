"""Zero-shot behaviour over pre-training (section 5, Figure 2 right): heuristics on every checkpoint.

The decoder of ``gpt1-pretraining`` and the LSTM of ``gpt1-lstm-pretraining`` that share a seed judge the same
texts, untrained and at each milestone. Nothing is trained here.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from gptrepro import storage
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
    Corpus,
    Experiment,
    Measurement,
    Unit,
    UnitOver,
    register,
)
from gptrepro.experiments.gpt1.pretraining import (
    LSTM_PRETRAINING,
    MILESTONES,
    PRETRAINING,
    LSTMPretrainingConfig,
    PretrainingConfig,
)
from gptrepro.experiments.prepare import trained_tokenizer
from gptrepro.scales import Scale
from gptrepro.tasks.gpt1 import find_task
from gptrepro.tasks.labelled import Example, TaskData, load_task, subsample
from gptrepro.text.batches import random_words
from gptrepro.text.sources import load_corpus
from gptrepro.tokenizer.gpt1 import LINE_END

CHECKPOINTS = (Fraction(0), *MILESTONES)
"""Fractions of the training after which the models are asked; 0 is untrained."""

ARMS = {"decoder": PRETRAINING.name, "lstm": LSTM_PRETRAINING.name}
"""The models by the names that metrics have for them, and the experiments that trained them."""

DECIMALS = 5
"""Of a metric in the record, which has some two hundred of them."""

ITEMS_SEED = 0
"""Of the choice of items: all models and seeds see the same."""


class ZeroShotConfig(Config):
    """Which models are asked what."""

    decoder: PretrainingConfig
    lstm: LSTMPretrainingConfig
    tasks: dict[str, str]
    """The task that each heuristic is tried on; which part of `HEURISTICS` runs."""
    last_words: str | None
    """Corpus of passages whose last word is asked for."""
    items: int
    """The most test items of a task."""

    @property
    def corpora(self) -> list[Corpus]:
        """The text that the tokenizer was trained on, and what the models are asked about."""
        asked = [
            Corpus(task.data_set, split)
            for task in map(find_task, self.tasks.values())
            for split in task.splits.values()
        ]
        passages = [Corpus(self.last_words, "test")] if self.last_words else []
        return [self.decoder.corpora[0], *dict.fromkeys(asked), *passages]


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


def _measure(config: ZeroShotConfig, unit: Unit) -> Measurement:
    training = config.decoder
    text = load_corpus(training.corpora[0].name, training.corpora[0].split)
    tokenizer = trained_tokenizer(
        "gpt1", text, training.n_vocab, unit.prepared, documents=training.tokenizer_documents
    )
    paragraphs = Paragraphs(tokenizer, tokenizer.vocab[LINE_END])
    tasks = {name: load_task(find_task(task)) for name, task in config.tasks.items()}
    metrics: dict[str, float] = {}
    for arm, source in ARMS.items():
        model: PretrainingConfig = getattr(config, arm)
        found = []
        for fraction in CHECKPOINTS:
            place = unit.folder / f"{metric_at(fraction, arm, 'scores')}.json"
            if not place.exists():
                if not unit.seconds_left():
                    raise UnitOver
                reader = Reader(model.pretrained(unit.sources[source], fraction), paragraphs, model.n_ctx)
                asked = {name: round(value, DECIMALS) for name, value in ask(reader, config, tasks).items()}
                storage.write_text(place, json.dumps(asked))
            found.append(json.loads(place.read_text(encoding="utf-8")))
            metrics |= {metric_at(fraction, arm, name): value for name, value in found[-1].items()}
        curves = [[relative(at, name) for at in found[1:]] for name in tasks]
        metrics[f"roughness_{arm}"] = float(np.mean([roughness(curve) for curve in curves]))
    return Measurement(metrics, history=[], tokens=0, flops=0.0, tokenizer=tokenizer.digest)


def _config(scale: Scale, items: int, last_words: str | None, **tasks: str) -> ZeroShotConfig:
    return ZeroShotConfig(
        decoder=PRETRAINING.config(scale),
        lstm=LSTM_PRETRAINING.config(scale),
        tasks=tasks,
        last_words=last_words,
        items=items,
    )


_ALL: dict[str, Any] = {
    "last_words": "lambada",
    "acceptability": "cola",
    "sentiment": "sst2",
    "questions": "commonsenseqa",
    "referents": "winograd",
    "word_order": "novel-word-order",
    "continuation": "novel-continuation",
}

ZERO_SHOT = register(
    Experiment(
        name="gpt1-zero-shot",
        version=1,
        paper="gpt1",
        question="What can a language model judge without training for it, and when during pre-training?",
        configs={
            Scale.SMOKE: _config(
                Scale.SMOKE, 100, None, word_order="play-word-order", continuation="play-continuation"
            ),
            Scale.LAPTOP: _config(Scale.LAPTOP, 500, **_ALL),
            Scale.GPU: _config(Scale.GPU, 5000, **_ALL),
            Scale.PAPER: _config(Scale.PAPER, 5000, **_ALL),
        },
        seeds=PRETRAINING.seeds,
        builds_on=lambda seed: dict.fromkeys(ARMS.values(), seed),
        corpora=lambda config: config.corpora,
        budget=lambda config: Budget(parameters=0, tokens=0, flops=0.0),  # nothing is trained
        measure=_measure,
    )
)
