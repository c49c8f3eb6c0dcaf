"""Labelled tasks, all of one shape: what goes in, what should come out, and how it is scored.

A `Task` is a declaration of a few lines (`gptrepro.tasks.gpt1` holds those of GPT-1); `load_task` turns the
rows of its data set, or rows made of running text, into examples for training, choosing settings and testing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

import numpy as np

from gptrepro.errors import GptreproError
from gptrepro.sources.corpora import load_corpus
from gptrepro.storage import parse_json
from gptrepro.tasks.parts import Part, place_of
from gptrepro.text.order import random_words

T = TypeVar("T")

Kind = Literal["classification", "entailment", "similarity", "multiple choice"]
"""GPT-1's four forms of input (Radford et al. 2018, Figure 1)."""

Metric = Literal["accuracy", "f1", "matthews", "pearson", "spearman"]

HELD_OUT: tuple[Part, ...] = ("dev", "test")
UNLABELLED = (-1, "-")
"""What stands for a label in a row without one: the hub's sign, and SNLI's where its judges disagreed."""


@dataclass(frozen=True)
class Example:
    """One labelled row."""

    texts: tuple[str, ...]
    """The text, the two texts of a pair, or the context that comes before the answers."""
    label: int | float
    """The number of the right label or answer, from 0; or a score."""
    answers: tuple[str, ...] = ()
    """The answers of a multiple choice."""


@dataclass(frozen=True)
class TaskData:
    """The examples of a task. No training example has the same texts as one that is held out."""

    train: list[Example]
    dev: list[Example]
    """To choose settings by."""
    test: list[Example]
    """To report on: the published test set or, where its labels are not public, the development set."""


@dataclass(frozen=True)
class Task:
    """A labelled task, declared.

    Templates are format strings over a row's columns: ``{sentence}``, ``{article} {question}``,
    ``{choices[0]}``. A row's label is a name of ``labels`` or else its number; a row without a label
    (`UNLABELLED`) is left out.
    """

    name: str
    title: str
    kind: Kind
    texts: tuple[str, ...]
    """Templates of `Example.texts`."""
    splits: Mapping[Part, str]
    """The data set's split for each part. A part that is not named is cut out of the training split."""
    metrics: tuple[Metric, ...]
    """How it is scored; the first decides."""
    labels: tuple[str, ...] = ()
    """Names of the labels, in the order of their numbers; none where a score is to be predicted."""
    score: tuple[float, float] | None = None
    """The lowest and the highest score, in place of labels."""
    answers: tuple[str, ...] = ()
    """Templates of the answers of a multiple choice, one for each label."""
    label: str = "label"
    """The column of the label or score."""
    cut_by: str = ""
    """Template of what rows of one part must not share with another part: the hash of this text decides where
    a row goes, so that questions on one passage stay together."""
    cuts: int = 10
    """A part that the data set lacks is one in so many of its training rows."""
    made_by: Callable[[Iterable[str]], Iterator[Mapping[str, Any]]] | None = None
    """Makes the rows of the documents of a running text; None where the data set has rows of its own."""
    source: str = ""
    """The data set in ``data/sources``, where it is not called like the task."""
    note: str = ""
    """How the data differs from what the paper fine-tuned on; stated wherever a score is."""

    def __post_init__(self) -> None:
        if bool(self.labels) == bool(self.score):
            raise ValueError(f"{self.name} needs either labels or the range of a score")
        if len(self.texts) != (2 if self.kind in ("entailment", "similarity") else 1):
            raise ValueError(f"{self.name} has {len(self.texts)} texts, another number than its kind")
        if len(self.answers) != (len(self.labels) if self.kind == "multiple choice" else 0):
            raise ValueError(f"{self.name} needs an answer for each label of a multiple choice")
        if len(self.splits) < 3 and not self.cut_by:
            raise ValueError(f"{self.name} has {', '.join(self.splits)} alone: state cut_by")

    @property
    def data_set(self) -> str:
        """The name in ``data/sources``."""
        return self.source or self.name


def load_task(task: Task) -> TaskData:
    """The examples of a task, from the first tier that serves its data set.

    A training example whose texts also stand in a held-out part is dropped: several published splits overlap.

    Raises:
        GptreproError: no tier can serve the data, a split is missing or has no labels, or a row is not as
            the task says; the sentence names the row.
    """
    parts: dict[Part, list[Example]] = {"train": [], "dev": [], "test": []}
    cut = tuple(part for part in HELD_OUT if part not in task.splits)
    for part, split in task.splits.items():
        for row, example in _examples(task, split):
            parts[_part_of(task, row, cut) if part == "train" and cut else part].append(example)
    held_out = {(one.texts, one.answers) for part in HELD_OUT for one in parts[part]}
    train = [one for one in parts["train"] if (one.texts, one.answers) not in held_out]
    return TaskData(train, parts["dev"], parts["test"])


def subsample(examples: Sequence[T], n: int, seed: int) -> list[T]:
    """``n`` random examples; with one seed, fewer of them are always among more of them.

    Raises:
        GptreproError: there are not so many.
    """
    if not 1 <= n <= len(examples):
        raise GptreproError(f"There are {len(examples):,} examples to choose from: ask for 1 to as many.")
    order = np.argsort(random_words(seed, 0, len(examples)), kind="stable")
    return [examples[i] for i in order[:n]]


def read_row(task: Task, row: Mapping[str, Any], place: str) -> Example | None:
    """A row as an example; None when it has no label.

    Args:
        row: JSON values by column.
        place: what an error calls the row.

    Raises:
        GptreproError: a column is missing or empty, or the label is none of the task's.
    """
    filled = {key: value for key, value in row.items() if value is not None and str(value).strip()}
    try:
        texts = tuple(template.format_map(filled).strip() for template in task.texts)
        answers = tuple(template.format_map(filled).strip() for template in task.answers)
        value = filled[task.label]
    except KeyError as error:
        raise GptreproError(f"{place} has no {error}, or an empty one: correct the data.") from None
    except IndexError:
        raise GptreproError(
            f"{place} has fewer than {len(task.answers)} answers: correct the data."
        ) from None
    if not all((*texts, *answers)):
        raise GptreproError(f"{place} has an empty text: correct the data.")
    if value in UNLABELLED:
        return None
    return Example(texts, _label(task, value, place), answers)


def _label(task: Task, value: Any, place: str) -> int | float:
    number = value if isinstance(value, int | float) and not isinstance(value, bool) else None
    if task.score:
        lowest, highest = task.score
        if number is not None and lowest <= number <= highest:
            return float(number)
        raise GptreproError(
            f"{place} has the score {value!r}, which is not from {lowest} to {highest}: correct the data."
        )
    if str(value) in task.labels:
        return task.labels.index(str(value))
    if number is not None and number in range(len(task.labels)):
        return int(number)
    raise GptreproError(
        f"{place} has the label {value!r}, which is none of {', '.join(task.labels)}, nor the number of one: "
        "correct the data."
    )


def _examples(task: Task, split: str) -> Iterator[tuple[Mapping[str, Any], Example]]:
    """The labelled rows of a split, each beside its example."""
    labelled = False
    rows: Iterable[Mapping[str, Any]] = rows_of_data(task.data_set, split)
    if task.made_by:
        rows = task.made_by(load_corpus(task.data_set, split).documents())
    for number, row in enumerate(rows, start=1):
        example = read_row(task, row, _place(task.data_set, split, number))
        if example is not None:
            labelled = True
            yield row, example
    if not labelled:
        raise GptreproError(f"{task.data_set} ({split}) has no labelled rows: choose another split for it.")


def rows_of_data(data_set: str, split: str) -> Iterator[dict[str, Any]]:
    """The rows of a split of a data set of labelled rows.

    Raises:
        GptreproError: no tier can serve the data, or a line is no JSON object; the sentence names it.
    """
    for number, line in enumerate(load_corpus(data_set, split).documents(), start=1):
        try:
            yield parse_json(line, dict[str, Any], "JSON object")
        except GptreproError as error:
            raise GptreproError(f"{_place(data_set, split, number)} {error}: correct the data.") from error


def _place(data_set: str, split: str, number: int) -> str:
    return f"Row {number:,} of {data_set} ({split})"


def _part_of(task: Task, row: Mapping[str, Any], cut: tuple[Part, ...]) -> Part:
    """Where a row of the training split goes when ``cut`` comes out of it."""
    place = place_of(task.cut_by.format_map(row), task.cuts)
    return cut[place] if place < len(cut) else "train"
