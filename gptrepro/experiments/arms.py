"""Experiments that compare models: each seed trains several arms, one after the other, on the same data."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar

from torch import nn

from gptrepro.experiments.base import Unit, UnitOver
from gptrepro.text.batches import Batches
from gptrepro.text.shards import TokenShards
from gptrepro.train import TrainSettings, train
from gptrepro.train.loop import TrainResult

M = TypeVar("M", bound=nn.Module)


def train_arm(
    arm: str,
    model: M,
    shards: TokenShards,
    settings: TrainSettings,
    unit: Unit,
    *,
    experiment: str,
    evaluate: Callable[[M], Mapping[str, float]],
) -> TrainResult:
    """Train one arm of a seed in a folder of its own, or go on; an arm that has finished is only read.

    All arms of a seed read the same windows in the same order.

    Raises:
        UnitOver: the unit's time is used up.
    """
    result = train(
        model,
        Batches(shards, batch_size=settings.batch_size, context=settings.context, seed=unit.seed),
        settings,
        unit.folder / arm,
        evaluate=evaluate,
        stop_after_seconds=unit.seconds_left(),
        name=f"{experiment} seed {unit.seed}, {arm}",
    )
    if not result.finished:
        raise UnitOver
    return result


def merged(histories: Mapping[str, list[dict[str, float]]], names: tuple[str, ...]) -> list[dict[str, float]]:
    """The histories of all arms as one: a row for each step, ``<name>_<arm>`` for each of ``names``."""
    rows: dict[float, dict[str, float]] = {}
    for arm, history in histories.items():
        for row in history:
            place = rows.setdefault(row["step"], {"step": row["step"], "tokens": row["tokens"]})
            place |= {f"{name}_{arm}": row[name] for name in names if name in row}
    return list(rows.values())
