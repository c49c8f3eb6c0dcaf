"""What an experiment is: a named, typed, seeded function of a scale.

An experiment states one configuration a scale, the data that it reads and the seeds that it reports,
and measures one seed at a time. It knows nothing of records, verdicts or pages.
"""

from __future__ import annotations

import difflib
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, Literal, Self, TypeVar

from pydantic import BaseModel, ConfigDict

from gptrepro.errors import GptreproError
from gptrepro.scales import Scale

UNIT_SECONDS = 45 * 60
"""The longest that one unit of work runs before it saves its state and stops."""

PILOT_SEEDS = range(0, 10)
"""Seeds for choosing settings; they never enter a published record."""
FIRST_REPORT_SEED = 100
"""Report seeds count up from here."""

HISTORY_POINTS = 64
"""The most points that a run's history keeps."""


class Config(BaseModel):
    """The settings of an experiment at one scale, all resolved to plain values."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    def without_defaults(self) -> dict[str, Any]:
        """What is set, as JSON values: fields that have their default are left out.

        Identities and digests are taken of this, so that a field that is added with a default that keeps
        things as they were leaves every finished run what it was. What tells one kind of value from another
        (a ``kind`` field) must therefore have no default.
        """
        return self.model_dump(mode="json", exclude_defaults=True)

    def parts(self) -> dict[str, Self]:
        """What of a seed can be measured apart, by name: these settings for a part of the work.

        Whatever a part keeps in the folder of its seed, the measurement of the whole finds again, and no two
        parts write to the same place. None where a seed is one piece.
        """
        return {}


class UnitOver(Exception):  # noqa: N818 - not an error: the unit's time is used up
    """The unit stopped at its time limit with its state saved; run it again to go on."""


@dataclass(frozen=True)
class CorpusRef:
    """A corpus that an experiment reads, by its name and split in ``data/sources``."""

    name: str
    split: str


@dataclass(frozen=True)
class Budget:
    """What one seed costs, known before it runs."""

    parameters: int
    """Trained parameters."""
    tokens: float
    """Tokens processed in training."""
    flops: float
    """Floating-point operations of forward and backward passes, a multiply-add counted as two."""
    updates: int
    """Optimiser steps: what takes the time of small batches."""


Coordinate = str | int | float | bool

Row = dict[str, Coordinate]
"""One measured value: ``{"value": 61.2, "score": "accuracy", "task": "sick", "arm": "full", "rows": 2000}``.

``value`` is the figure and ``score`` says what it is; all else are coordinates, and no two rows of a run
share them all. A derived figure (an average, a margin, a slope) is never a row: rules and pages compute it.
"""


def row(value: float, score: str, *, decimals: int | None = None, **coordinates: Coordinate) -> Row:
    """A measured value at its coordinates, rounded to ``decimals`` where these are given."""
    return {"value": value if decimals is None else round(value, decimals), "score": score, **coordinates}


@dataclass(frozen=True)
class Outcomes:
    """What each item of a scored set gave: one value an item, in the order of the set."""

    coordinates: Row
    """Those of the row whose value is their mean, ``score`` included and ``value`` not."""
    values: Sequence[float] | Sequence[bool]
    """Right or wrong, or a number such as a log-probability (kept as float16)."""


@dataclass(frozen=True)
class Written:
    """What a model wrote, and all that it takes to let it write the same again."""

    coordinates: Row
    """Of the model: ``{"arm": "gpt", "tokens": 500_000}``."""
    prompt: str
    text: str
    """What followed the prompt."""
    seed: int
    temperature: float
    top_k: int


@dataclass(frozen=True)
class Measurement:
    """What one seed measured."""

    rows: list[Row]
    """The figures that rules and pages read, each with the coordinates that it was measured at."""
    history: list[dict[str, float]]
    """The course of the run, at most 64 points."""
    tokens: int
    """Tokens processed in training."""
    flops: float
    """Floating-point operations spent in training."""
    tokenizer: str
    """Digest of the tokenizer that was used."""
    precision: str = "fp32"
    """The number format that the matrix products of the training had."""
    outcomes: list[Outcomes] = field(default_factory=list)
    """What each item of a scored set gave, where items are scored."""
    matrices: Mapping[str, list[list[float]]] = field(default_factory=dict)
    """Small matrices that a page draws, such as attention weights, rounded; no rule reads them."""
    written: Sequence[Written] = ()
    """What the models wrote; no rule reads it."""

    def __post_init__(self) -> None:
        if len(self.history) > HISTORY_POINTS:
            raise ValueError(f"a history keeps at most {HISTORY_POINTS} points, not {len(self.history)}")


@dataclass(frozen=True)
class Unit:
    """One piece of work: a seed, the folders that it may write to, and its time."""

    seed: int
    folder: Path
    """For this seed alone: checkpoints and metrics."""
    prepared: Path
    """For what all seeds share: trained tokenizers and token shards."""
    sources: Mapping[str, Path] = field(default_factory=dict)
    """The folders of the finished seeds that this one builds on, by experiment; to be read only."""
    deadline: float = field(default_factory=lambda: time.monotonic() + UNIT_SECONDS)
    """When to save and stop, on the clock of ``time.monotonic``."""
    device: str = "auto"
    """Where to train; it changes speed and no setting."""
    compile: bool | None = None
    """Whether to compile the model; likewise. When None, a GPU does."""

    def seconds_left(self) -> float:
        """Seconds until the deadline; never negative."""
        return max(0.0, self.deadline - time.monotonic())


C = TypeVar("C", bound=Config)

Selection = Mapping[str, Any]
"""Coordinates that are asked for, as `gptrepro.results.selection` says."""


@dataclass(frozen=True)
class NotBelow:
    """An experiment's check of its own validity: ``arm`` does not score significantly below ``over``.

    Where it does, as a fine-tuning that loses to its own linear probe, the experiment says nothing about a
    paper: whatever rests on it is void.
    """

    arm: Selection
    over: Selection
    where: Selection = field(default_factory=dict)
    """What both sides share."""
    mean_over: str | None = None
    """The coordinate whose values are averaged."""


@dataclass(frozen=True)
class Scored:
    """What a record holds of one scored set, for who asks what guessing gives there."""

    score: str
    task: str
    config: Mapping[str, Any]
    """The settings of the record, as JSON values."""
    rows: Sequence[Row]
    """Of one run."""
    items: int | None
    """Items that were scored, where the record kept their outcomes."""


@dataclass(frozen=True)
class Guess:
    """What one scores who gives the same answer, or any, to every item."""

    value: float
    error: float
    """Its standard error: by luck in so many items."""


@dataclass(frozen=True)
class Experiment(Generic[C]):
    """A registered experiment.

    Raise ``version`` by hand whenever a change to the code changes what is measured: records of an
    older version become stale.
    """

    name: str
    version: int
    paper: str
    question: str
    """What it measures, in one sentence."""
    configs: Mapping[Scale, C]
    seeds: Mapping[Scale, tuple[int, ...]]
    """The report seeds of each scale; pilot seeds where the experiment chooses settings."""
    corpora: Callable[[C], list[CorpusRef]]
    """The data that a configuration reads."""
    budget: Callable[[C], Budget]
    measure: Callable[[C, Unit], Measurement]
    """Measures one seed; raises `UnitOver` when the unit's time is used up."""
    builds_on: Callable[[int], Mapping[str, int]] = lambda seed: {}
    """For a seed, the experiments whose weights it reads, and the seed of each; they run first."""
    labels: Mapping[str, Mapping[Coordinate, str]] = field(default_factory=dict)
    """What readers call the values of a coordinate: ``{"arm": {"full": "pre-trained"}}``."""
    replicated_over: Literal["seed", "item", "both"] = "seed"
    """What varies and enters intervals: seeds, the items of a scored set (released weights have no seeds), or
    both."""
    valid_if: NotBelow | None = None
    """The check that its record must pass for any claim to be judged by it."""
    guessing: Callable[[Scored], Guess] | None = None
    """What a score must beat to be one: a rule's floor is that and two standard errors."""
    chooses_settings: bool = False
    """A sweep whose outcome others take as a setting: it runs on pilot seeds and decides no claim."""

    def config(self, scale: Scale) -> C:
        """The configuration at ``scale``.

        Raises:
            GptreproError: the experiment does not run at that scale.
        """
        if scale not in self.configs:
            offered = ", ".join(self.configs)
            raise GptreproError(f"{self.name} does not run at scale '{scale}': choose {offered}.")
        return self.configs[scale]


EXPERIMENTS: dict[str, Experiment[Any]] = {}
"""Every experiment by name, filled by `register`."""


def register(experiment: Experiment[C]) -> Experiment[C]:
    """Add an experiment to the registry and return it."""
    if experiment.name in EXPERIMENTS:
        raise ValueError(f"two experiments are called {experiment.name}")
    EXPERIMENTS[experiment.name] = experiment
    return experiment


def find_experiment(name: str) -> Experiment[Any]:
    """The experiment called ``name``.

    Raises:
        GptreproError: there is none; the message lists near matches.
    """
    if name in EXPERIMENTS:
        return EXPERIMENTS[name]
    near = difflib.get_close_matches(name, EXPERIMENTS, n=3, cutoff=0.3) or list(EXPERIMENTS)
    raise GptreproError(f"There is no experiment called '{name}'; did you mean {', '.join(near)}?")


def select_experiments(what: str | None) -> list[Experiment[Any]]:
    """The experiments that ``what`` names: one experiment, a paper (``gpt1``), or all when None."""
    if what is None:
        return list(EXPERIMENTS.values())
    of_paper = [experiment for experiment in EXPERIMENTS.values() if experiment.paper == what]
    return of_paper or [find_experiment(what)]


def thin_out(history: list[dict[str, float]], points: int = HISTORY_POINTS) -> list[dict[str, float]]:
    """At most ``points`` rows of ``history``, evenly spread, the first and the last among them."""
    if len(history) <= points:
        return history
    last = len(history) - 1
    return [history[round(i * last / (points - 1))] for i in range(points)]
