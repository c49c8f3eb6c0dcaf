"""What a sweep chose: read from the rows of its record, by pages and by the tests of the settings in use."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gptrepro.errors import GptreproError

if TYPE_CHECKING:  # slow to import
    import pandas as pd


@dataclass(frozen=True)
class BestSetting:
    """The setting that a sweep found best."""

    setting: dict[str, float]
    """Its value on each axis, such as ``{"rate": 0.001, "updates": 300}``."""
    value: float
    """Its score, the mean over the seeds."""
    at_edge: tuple[str, ...]
    """The axes on which it is the lowest or the highest that was tried: there the sweep may be too narrow."""


def best_setting(
    table: pd.DataFrame, tried: Mapping[str, Sequence[float]], *, lower_is_better: bool = False
) -> BestSetting:
    """The setting with the best mean over the seeds, the first of equals.

    Args:
        table: the rows of one score and one arm, ``record.select(score=..., arm=...)``. A setting that some
            seeds have no row for is left out: their training diverged, or they did not come to it.
        tried: the values that were tried on each axis, whether they gave a score or not.
        lower_is_better: as of a loss.

    Raises:
        GptreproError: no setting has a score of every seed.
    """
    settings = table.groupby([*tried], sort=False)["value"].agg(["mean", "count"]).reset_index()
    settings = settings[settings["count"] == table["seed"].nunique()]
    if settings.empty:
        axes = " and ".join(tried)
        raise GptreproError(
            f"No setting of the sweep over {axes} has a score of every seed: try other values."
        )
    best = settings.sort_values("mean", ascending=lower_is_better, kind="stable").iloc[0]
    setting = {axis: float(best[axis]) for axis in tried}
    return BestSetting(
        setting=setting,
        value=float(best["mean"]),
        at_edge=tuple(axis for axis in tried if setting[axis] in (min(tried[axis]), max(tried[axis]))),
    )
