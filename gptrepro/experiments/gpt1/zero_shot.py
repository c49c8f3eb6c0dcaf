"""Zero-shot behaviour over pre-training (section 5, Figure 2 right): heuristics on every checkpoint.

The decoder of ``gpt1-pretraining`` judges texts, untrained and at each milestone; a second experiment asks
the LSTM of ``gpt1-lstm-pretraining`` about the same ones. Nothing is trained here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from fractions import Fraction
from functools import partial
from typing import Any, TypeVar

import numpy as np

from gptrepro.evaluate.metrics import METRICS, auc, best_threshold
from gptrepro.evaluate.prompted import Paragraphs, Reader, preferences, right_answers
from gptrepro.experiments.base import (
    Budget,
    Config,
    CorpusRef,
    Experiment,
    Measurement,
    Outcomes,
    Row,
    Unit,
    UnitOver,
    register,
    row,
)
from gptrepro.experiments.gpt1.guessing import of_heuristic
from gptrepro.experiments.gpt1.pretraining import LSTM_PRETRAINING, MILESTONES, PRETRAINING
from gptrepro.experiments.training import TextTraining
from gptrepro.scales import Scale
from gptrepro.storage import remembered
from gptrepro.tasks.gpt1 import find_task
from gptrepro.tasks.labelled import Example, TaskData, load_task, subsample
from gptrepro.tasks.prompted import PROMPTED, Item, PromptedTask, rows_of
from gptrepro.tokenizer.gpt1 import LINE_END

T = TypeVar("T")

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


HEURISTICS: dict[str, PromptedTask] = {
    name: PROMPTED[f"gpt1-{name.replace('_', '-')}"]
    for name in ("acceptability", "sentiment", "questions", "referents", "word_order", "continuation")
}
"""The paper's four, and two of them on held-out novels, in its form. Where an accuracy has a known bias, a
corrected one stands beside it: less the log-likelihood of the same words without the text in question, so
that an answer that is long, or rare, is not at a disadvantage."""

LAST_WORD = PROMPTED["lambada-last-word"]
"""Not in the paper."""


def relative(score: float, chance: float) -> float:
    """The share of the way from guessing (0) to no mistake (1). The paper's Figure 2 has the best system of
    its time in the place of no mistake."""
    return (score - chance) / (1 - chance)


def _at_most(most: int, items: list[T]) -> list[T]:
    return subsample(items, min(most, len(items)), ITEMS_SEED) if items else []


def _items(task: PromptedTask, reader: Reader, examples: list[Example], most: int) -> list[Item]:
    """At most so many random examples among those whose texts, or answers, the model can read whole."""
    fitting = [one for one in examples if all(map(reader.fits, one.answers or one.texts))]
    return [task.made(vars(one)) for one in _at_most(most, fitting)]


def ask(
    reader: Reader, config: ZeroShotConfig, tasks: Mapping[str, TaskData], **at: str | float
) -> tuple[list[Row], list[Outcomes]]:
    """Every score of one model, at the coordinates ``at``, and who of the items was right."""
    rows: list[Row] = []
    outcomes: list[Outcomes] = []

    def add(value: float | list[bool], score: str, task: str) -> None:
        if isinstance(value, list):
            outcomes.append(Outcomes({"score": score, "task": task, **at}, value))
            value = float(np.mean(value))
        rows.append(row(value, score, decimals=DECIMALS, task=task, **at))

    for name, data in tasks.items():
        heuristic = HEURISTICS[name]
        dev, test = (_items(heuristic, reader, part, config.items) for part in (data.dev, data.test))
        found = _asked(reader, heuristic, dev, test)
        for score, value in found.items():
            add(value, score, name)
        add(relative(float(np.mean(found[heuristic.metric])), heuristic.chance), "relative", name)
    if config.last_words:
        passages = _at_most(config.items, rows_of(config.last_words, LAST_WORD.split))
        items = [LAST_WORD.made(passage) for passage in passages]
        scores = reader.score(items)
        add(float(np.mean(preferences(scores, "total"))), "log_likelihood", "last_word")
        add(right_answers(items, scores, LAST_WORD.normalisation), "accuracy", "last_word")
    return rows, outcomes


def _asked(
    reader: Reader, heuristic: PromptedTask, dev: list[Item], test: list[Item]
) -> dict[str, float | list[bool]]:
    """The scores of a heuristic on test items; of an accuracy, whether each item is right.

    A likelihood says acceptable above a threshold, which is chosen on dev items.
    """
    scores, gold = reader.score(test), [item.gold for item in test]
    plain = heuristic.normalisation
    found: dict[str, float | list[bool]] = {}
    leaning = preferences(scores, plain)
    if heuristic.metric == "auc":
        found["auc"] = auc(gold, leaning)
    if heuristic.shape == "cloze":
        threshold = best_threshold([item.gold for item in dev], preferences(reader.score(dev), plain))
        found["matthews"] = METRICS["matthews"](gold, leaning >= threshold)
        return found
    found["accuracy"] = right_answers(test, scores, plain)
    if test[0].stem is not None:
        found["accuracy_corrected"] = right_answers(test, scores, "stem")
    return found


def _measure(config: ZeroShotConfig, unit: Unit) -> Measurement:
    training = config.pretraining
    (folder,) = unit.sources.values()
    tokenizer = training.load_tokenizer(unit.prepared)
    paragraphs = Paragraphs(tokenizer, tokenizer.vocab[LINE_END])
    tasks = {name: load_task(find_task(task)) for name, task in config.tasks.items()}

    def asked(fraction: Fraction) -> dict[str, Any]:
        if not unit.seconds_left():
            raise UnitOver
        model = training.pretrained(folder, fraction, device=unit.device)
        reader = Reader(model, paragraphs, training.n_ctx, overflow="left")
        rows, outcomes = ask(reader, config, tasks, arm=training.network.kind, fraction=float(fraction))
        return {"rows": rows, "outcomes": [asdict(one) for one in outcomes]}

    found = [
        remembered(
            unit.folder / f"at-{fraction.numerator}-{fraction.denominator}.json", partial(asked, fraction)
        )
        for fraction in CHECKPOINTS
    ]
    return Measurement(
        rows=[line for at in found for line in at["rows"]],
        outcomes=[Outcomes(**one) for at in found for one in at["outcomes"]],
        history=[],
        tokens=0,
        flops=0.0,
        tokenizer=tokenizer.digest,
    )


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
    Scale.GPU: _ALL | {"items": 2000},
    Scale.PAPER: _ALL | {"items": 5000},
}


def _experiment(
    name: str, pretraining: Experiment[TextTraining], question: str
) -> Experiment[ZeroShotConfig]:
    """The experiment that asks the model of ``pretraining``."""
    return Experiment(
        name=name,
        version=1,
        paper="gpt1",
        question=question,
        configs={
            scale: ZeroShotConfig(pretraining=pretraining.config(scale), **asked)
            for scale, asked in _ASKED.items()
        },
        seeds=pretraining.seeds,
        builds_on=lambda seed: {pretraining.name: seed},
        corpora=lambda config: config.corpora,
        budget=lambda config: Budget(parameters=0, tokens=0, flops=0.0, updates=0),  # nothing is trained
        measure=_measure,
        replicated_over="both",
        guessing=of_heuristic,
        labels={
            **pretraining.labels,
            "task": {name: name.replace("_", " ") for name in (*HEURISTICS, "last_word")},
        },
    )


ZERO_SHOT = register(
    _experiment(
        "gpt1-zero-shot",
        PRETRAINING,
        "What can a language model judge without training for it, and when during pre-training?",
    )
)

LSTM_ZERO_SHOT = register(
    _experiment(
        "gpt1-lstm-zero-shot",
        LSTM_PRETRAINING,
        "What can an LSTM judge without training for it, and when during its pre-training?",
    )
)
