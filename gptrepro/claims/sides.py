"""What a rule compares: the values that a selection by coordinates gives, and their wording.

A side is a selection (`gptrepro.results.selection`) and never a name. Nothing ambiguous passes: each member
of an average, at each point of a curve, must give exactly one value a seed.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gptrepro.claims.arguments import Where
from gptrepro.claims.wording import place
from gptrepro.errors import GptreproError
from gptrepro.evaluate.statistics import Estimate, paired_bootstrap, paired_t, two_way_bootstrap
from gptrepro.experiments.base import Coordinate
from gptrepro.results import Record

Values = NDArray[np.float64]

MINIMUM_POINTS = 3
"""Fewer points than this are no curve."""


@dataclass(frozen=True)
class Side:
    """The values of one side of a rule, before any average."""

    name: str
    """What readers call it."""
    members: Mapping[Coordinate | None, Values]
    """For each member of the average (seeds, items, points). Where seeds alone replicate, there is one item,
    the row's value; where items alone do, one seed; without a curve, one point."""
    points: tuple[float, ...]
    """Where the points of the curve stand; empty without one."""
    shared: Mapping[Coordinate | None, Mapping[str, list[str]]]
    """What each member's rows have at the coordinates that both sides share, such as their score."""

    @property
    def score(self) -> str | None:
        """The score of all members, where it is one."""
        scores = {name for of_member in self.shared.values() for name in of_member.get("score", [])}
        return scores.pop() if len(scores) == 1 else None

    def reduced(self, statistic: Callable[[Values, tuple[float, ...]], Values]) -> list[Values]:
        """A statistic of each member's curves: (seeds, items) a member."""
        return [statistic(values, self.points) for values in self.members.values()]


def side(
    record: Record,
    where: Where,
    own: Where,
    labels: Mapping[str, Mapping[Coordinate, str]],
    *,
    field: str,
    along: str | None = None,
    mean_over: str | None = None,
) -> Side:
    """What ``own``, laid over ``where``, selects in a record.

    Args:
        record: where the rows are.
        where: what all sides of the rule have in common.
        own: what tells this side from the other.
        labels: what readers call the values of a coordinate.
        field: the field of the claim that says ``own``, for messages.
        along: the coordinate of the curve's points; rows without it are no part of it.
        mean_over: the coordinate whose values are the members of the average. With ``along``, members with
            one point are left out, and the points are those that all others have.

    Raises:
        GptreproError: the selection gives nothing, or not exactly one value for each seed, member and point.
    """
    asked = {**where, **own}
    try:
        lines = record.select(**asked)
        for role, name in (("along", along), ("mean_over", mean_over)):
            if name is not None and (name not in lines or lines[name].isna().all()):
                raise GptreproError(f"`{role}` is {name}, a coordinate that none of its rows has.")
        if along is not None:
            lines = lines[lines[along].notna()]
        if mean_over is not None and lines[mean_over].isna().any():
            raise GptreproError(f"`mean_over` is {mean_over}, which some of its rows lack: narrow `where`.")
        curves = _by_member(lines, along, mean_over)
        points = _common_points(curves, str(along)) if along is not None else ()
        members = {member: _values(record, lines, asked, along, points) for member, lines in curves.items()}
    except GptreproError as error:
        raise GptreproError(f"`{field}` of a rule on {record.experiment}: {error}") from None
    common = [
        name for name in dict.fromkeys(("score", *where)) if name in lines and name not in (*own, along)
    ]
    shared = {
        member: {name: sorted(map(str, part[name].unique())) for name in common}
        for member, part in curves.items()
    }
    return Side(_name(own, lines, labels), members, points, shared)


def differences(first: Side, second: Side, sign: float = 1.0) -> Side:
    """``first`` less ``second``, paired by member, seed, item and point.

    Raises:
        GptreproError: the sides have different members, points or items, or their rows differ in what they
            should share: another score, another number of rows.
    """
    _same(list(first.members), list(second.members), "members of `mean_over`")
    _same(first.points, second.points, "points of `along`")
    for member, values in first.members.items():
        _same([values.shape[1]], [second.members[member].shape[1]], "numbers of items")
        for name in first.shared[member].keys() & second.shared[member].keys():
            _same(first.shared[member][name], second.shared[member][name], f"values of {name}")
    members = {member: sign * (a - second.members[member]) for member, a in first.members.items()}
    return Side(f"{first.name} over {second.name}", members, first.points, first.shared)


def estimate(effect: Sequence[Values], replicated_over: str) -> Estimate:
    """The mean of an effect over members, seeds and items, with the law of its error.

    Seeds alone give Student's interval; items alone (released weights) the bootstrap over items; seeds that
    are scored on the same items both at once, for the members whose items were kept.

    Args:
        effect: of each member (seeds, items).
        replicated_over: ``seed``, ``item`` or ``both``, as the record says.
    """
    if replicated_over == "item":
        return paired_bootstrap(*(values[0] for values in effect))
    if replicated_over == "both" and any(values.shape[1] > 1 for values in effect):
        return two_way_bootstrap(effect)
    return paired_t(by_seed(effect))


def overall(values: Sequence[Values]) -> float:
    """The mean over members, seeds and items."""
    return math.fsum(of_seeds := by_seed(values)) / len(of_seeds)


def by_seed(effect: Sequence[Values]) -> list[float]:
    """The mean over members and items: one value a seed."""
    return [float(value) for value in np.mean([values.mean(axis=1) for values in effect], axis=0)]


def mean(values: Values, points: tuple[float, ...]) -> Values:
    """The mean over the points; without a curve, the value itself."""
    return np.asarray(values.mean(axis=-1))


def last(values: Values, points: tuple[float, ...]) -> Values:
    """The value at the last point."""
    return np.asarray(values[..., -1])


def rise(values: Values, points: tuple[float, ...]) -> Values:
    """What the last point has over the first."""
    return np.asarray(values[..., -1] - values[..., 0])


def slope(values: Values, points: tuple[float, ...]) -> Values:
    """The slope of the least-squares line."""
    x = np.asarray(points) - np.mean(points)
    return np.asarray(values @ x / (x @ x))


def slope_a_doubling(values: Values, points: tuple[float, ...]) -> Values:
    """The slope over the number of doublings."""
    return slope(values, _doublings(points))


def roughness(values: Values, points: tuple[float, ...]) -> Values:
    """How far a curve is from a steady one: the root mean square distance from its least-squares line over
    the number of doublings."""
    x = _doublings(points)
    centred = values - values.mean(axis=-1, keepdims=True)
    line = slope(values, x)[..., None] * (np.asarray(x) - np.mean(x))
    return np.asarray(np.sqrt(((centred - line) ** 2).mean(axis=-1)))


Statistic = Literal["mean", "roughness"]

STATISTICS: dict[Statistic, Callable[[Values, tuple[float, ...]], Values]] = {
    "mean": mean,
    "roughness": roughness,
}
"""What `arm_beats` may compare of two sides; all but the mean are of curves, one a seed."""


def _doublings(points: tuple[float, ...]) -> tuple[float, ...]:
    if min(points) <= 0:
        raise GptreproError(f"`along` reaches {min(points):g}, which has no doublings: ask for {{above: 0}}.")
    return tuple(float(x) for x in np.log2(points))


def _by_member(
    lines: pd.DataFrame, along: str | None, mean_over: str | None
) -> dict[Coordinate | None, pd.DataFrame]:
    """The lines of each member; of curves, those of one point are left out."""
    if mean_over is None:
        return {None: lines}
    curves = {member: part for member, part in lines.groupby(mean_over, sort=True)}  # noqa: C416 - typed keys
    if along is not None:
        curves = {member: part for member, part in curves.items() if part[along].nunique() > 1}
    return curves  # type: ignore[return-value]


def _common_points(curves: Mapping[Any, pd.DataFrame], along: str) -> tuple[float, ...]:
    found = [set(part[along]) for part in curves.values()]
    values = set.intersection(*found) if found else set()
    if any(isinstance(value, str | bool) for value in values):
        raise GptreproError(f"`along` is {along}, whose values are no numbers.")
    if len(values) < MINIMUM_POINTS:
        raise GptreproError(
            f"`along` is {along}, with {len(values)} points in common: a curve has {MINIMUM_POINTS} or more."
        )
    return tuple(sorted(float(value) for value in values))


def _values(
    record: Record, lines: pd.DataFrame, asked: Where, along: str | None, points: tuple[float, ...]
) -> Values:
    """(seeds, items, points) of one member."""
    found: dict[tuple[int, float], list[dict[str, Any]]] = {}
    for line in lines.to_dict("records"):
        run = 0 if record.replicated_over == "item" else record.seeds.index(line["seed"])
        at = float(line[along]) if along else 0.0
        found.setdefault((run, at), []).append({str(name): value for name, value in line.items()})
    chosen = []
    for run in range(len(record.runs)):
        for point in points or (0.0,):
            here = found.get((run, point), [])
            if len(here) != 1:
                raise GptreproError(_ambiguity(record, run, here, point if along else None, along))
            chosen.append((run, here[0]))
    cells = _cells(record, chosen)
    if len({cell.size for cell in cells}) > 1:
        raise GptreproError("its seeds or points have different numbers of items, so they cannot be paired.")
    by_point = np.stack(cells).reshape(len(record.runs), max(1, len(points)), -1)
    return by_point.transpose(0, 2, 1)


def _ambiguity(
    record: Record, run: int, lines: list[dict[str, Any]], point: float | None, along: str | None
) -> str:
    seed = record.runs[run].seed
    of = "" if seed is None else f" for seed {seed}"
    at = "" if point is None else f" at {along}={point:g}"
    if not lines:
        return f"there is no row{of}{at}, where others have one."
    table = pd.DataFrame(lines)
    differing = [str(name) for name in table if name != "value" and table[name].nunique(dropna=False) > 1]
    return f"{len(lines)} rows{of}{at} differ in {', '.join(differing)}: say which."


def _cells(record: Record, lines: Sequence[tuple[int, Mapping[str, Any]]]) -> list[Values]:
    """What each line, of a run, brings: its value, or what each item of its set gave where items replicate.

    Seeds on shared items bring items only where every one of them kept its own.
    """
    if record.replicated_over != "seed":
        items = [_items(record, run, line) for run, line in lines]
        if all(each is not None for each in items):
            return [each for each in items if each is not None]
        if record.replicated_over == "item":
            raise GptreproError("a row has no outcomes by item, over which the record replicates.")
    return [np.array([float(line["value"])]) for _, line in lines]


def _items(record: Record, run: int, line: Mapping[str, Any]) -> Values | None:
    """What each item gave of the set that a line is the mean of; None where that was not kept."""
    place = {name: value for name, value in line.items() if name not in ("seed", "value") and pd.notna(value)}
    found = [each for each in record.runs[run].outcomes if dict(each.coordinates) == place]
    if not found:
        return None
    outcomes = found[0].values()
    for scale in (1.0, 100.0):  # right or wrong, where the row has a percentage
        if np.isclose(scale * outcomes.mean(), line["value"], rtol=2e-3, atol=2e-3):
            return np.asarray(scale * outcomes)
    raise GptreproError(f"the outcomes of its row {place} do not have its value as their mean.")


def _same(first: Sequence[Any], second: Sequence[Any], what: str) -> None:
    if list(first) != list(second):
        ours, theirs = (", ".join(map(str, each)) for each in (first, second))
        raise GptreproError(f"`arm` and `over` have different {what}: {ours} against {theirs}.")


def _name(own: Where, lines: pd.DataFrame, labels: Mapping[str, Mapping[Coordinate, str]]) -> str:
    """What readers call a side: the values that tell it from the other."""
    words = []
    for name in own:
        values = lines[name].dropna().unique().tolist() if name in lines else []
        words.append(place(name, values[0], labels) if len(values) == 1 else f"{own[name] or 'all'} {name}")
    return ", ".join(words)
