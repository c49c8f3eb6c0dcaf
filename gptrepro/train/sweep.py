"""Learning-rate sweeps: the same training at several rates, so that no method competes badly tuned."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from torch import nn

from gptrepro.errors import GptreproError
from gptrepro.storage import read_json, write_text
from gptrepro.train.divergence import Diverged
from gptrepro.train.feed import BatchSource
from gptrepro.train.log import Row
from gptrepro.train.loop import train
from gptrepro.train.settings import NEUTRAL_SETTINGS, TrainSettings


@dataclass(frozen=True)
class SweepTraining:
    """What a sweep trains, made afresh for every rate and seed."""

    model: nn.Module
    batches: BatchSource
    evaluate: Callable[[Any], Mapping[str, float]] | None = None


@dataclass(frozen=True)
class SweepRow:
    """The outcome of one rate and seed."""

    peak_lr: float
    seed: int
    metrics: Row
    """The last logged row; empty if the training diverged."""

    @property
    def diverged(self) -> bool:
        """Whether the loss stopped being a number."""
        return not self.metrics


@dataclass(frozen=True)
class SweepResult:
    """The outcomes so far, by rate and then by seed."""

    rows: list[SweepRow]
    finished: bool
    """False when ``stop_after_seconds`` was used up; the same call goes on."""


@dataclass(frozen=True)
class _Outcome:
    """What is kept of a finished training, as JSON."""

    settings: dict[str, Any]
    metrics: Row


def sweep(
    make: Callable[[int], SweepTraining],
    settings: TrainSettings,
    rates: Sequence[float],
    seeds: Sequence[int],
    folder: Path,
    *,
    device: str = "auto",
    stop_after_seconds: float | None = None,
    progress: bool = True,
) -> SweepResult:
    """Train at every rate with every seed, or go on where an earlier call in ``folder`` stopped.

    Finished trainings are not repeated. One that diverges is an outcome like any other.

    Args:
        make: gives the model, the batches and the evaluation of a seed.
        settings: what all trainings share; ``peak_lr`` and ``seed`` are replaced.
        rates: peak learning rates.
        seeds: seeds of the pilot range, never those that are reported.
        folder: gets a folder for each training, of which the metrics and the outcome stay.
        device, progress: as in `train`.
        stop_after_seconds: save and return when they have passed.

    Raises:
        GptreproError: the folder holds a sweep of other settings, and whatever else `train` raises.
    """
    began = time.monotonic()
    rows: list[SweepRow] = []
    for number, (rate, seed) in enumerate(((r, s) for r in rates for s in seeds), start=1):
        chosen = replace(settings, peak_lr=rate, seed=seed)
        place = folder / f"lr-{rate:g}-seed-{seed}"
        outcome = place / "outcome.json"
        if not outcome.exists():
            # Even without time left a training makes one update, so that every call gets further.
            left = None if stop_after_seconds is None else stop_after_seconds - (time.monotonic() - began)
            training = make(seed)
            try:
                result = train(
                    training.model,
                    training.batches,
                    chosen,
                    place,
                    evaluate=training.evaluate,
                    device=device,
                    stop_after_seconds=left,
                    name=f"{number}/{len(rates) * len(seeds)} lr {rate:g}",
                    progress=progress,
                )
            except Diverged:
                metrics: Row = {}
            else:
                if not result.finished:
                    return SweepResult(rows, finished=False)
                metrics = result.history[-1]
            write_text(outcome, json.dumps(asdict(_Outcome(_identity(chosen), metrics))))
            shutil.rmtree(place / "checkpoints", ignore_errors=True)
        again = "delete it, and the training is repeated"
        saved = read_json(outcome, _Outcome, "outcome of a training", again)
        if saved.settings != _identity(chosen):
            raise GptreproError(
                f"{place} holds a training of other settings: choose another folder, or delete this one."
            )
        rows.append(SweepRow(rate, seed, saved.metrics))
    return SweepResult(rows, finished=True)


def _identity(settings: TrainSettings) -> dict[str, Any]:
    """The settings that decide the outcome, as JSON gives them back."""
    values = {name: value for name, value in asdict(settings).items() if name not in NEUTRAL_SETTINGS}
    return dict(json.loads(json.dumps(values)))
