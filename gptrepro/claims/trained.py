"""Rules for what was trained or scored: they judge the records of experiments.

All share one core (`judging`, `trial`): an effect (a paired difference, a slope) is tested over what the
record replicates: seeds, items or both, against the region that the claim predicts, which is stated in the
claim, before the run.

What a rule compares it selects by coordinates, with the same words in all rules:

    where      the coordinates that all rows of the rule share
    arm, over  what each side has besides
    along      the coordinate of the points, where curves are compared: every one that the record has
    mean_over  the coordinate whose values are averaged, each weighing the same
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import partial
from typing import Annotated, Any, Literal

from pydantic import Field

from gptrepro.claims.arguments import ExperimentName, Where
from gptrepro.claims.evidence import Evidence
from gptrepro.claims.floors import FloorValue, floor_of
from gptrepro.claims.judging import Comparison, Support, judged
from gptrepro.claims.sides import (
    STATISTICS,
    Side,
    Statistic,
    differences,
    last,
    mean,
    overall,
    rise,
    side,
    slope,
    slope_a_doubling,
)
from gptrepro.claims.verdict import Judgement
from gptrepro.claims.wording import one_of, place
from gptrepro.errors import GptreproError
from gptrepro.experiments import find_experiment
from gptrepro.results import Record

Rise = Literal["slope", "rise"]


def arm_beats(
    published: Any,
    evidence: Evidence,
    *,
    experiment: ExperimentName,
    over: Where,
    arm: Where | None = None,
    where: Where | None = None,
    rival: ExperimentName | None = None,
    along: str | None = None,
    mean_over: str | None = None,
    statistic: Statistic = "mean",
    minimum: float = 0.0,
    lower_is_better: bool = False,
    floor: FloorValue | None = None,
    floor_at: Where | None = None,
    measured: Where | None = None,
    unit: str | None = None,
    support: Support = "trend replicated",
) -> Judgement:
    """``arm`` beats ``over``, paired by what replicates, by more than ``minimum``.

    Statistical meaning: a one-sided test of the mean margin against ``minimum`` (supported) or below it
    (smaller than stated; not replicated where the margin is below zero), at 5% or what Holm's correction
    leaves. A negative ``minimum`` makes it a test of non-inferiority.

    Args:
        published: not used in the verdict.
        evidence: gives the record.
        experiment: whose record holds both sides.
        where, arm, over, along, mean_over: the selection, as above.
        rival: the experiment of ``over``, where it is another one; judged are the seeds that both have.
        statistic: what is compared of each curve: its mean, or its roughness.
        minimum: the least margin that counts, stated before the run.
        lower_is_better: whether the better side is the lower one (a loss, a perplexity).
        floor: the score of chance, or ``guessing``, which follows the record (`gptrepro.claims.floors`); if
            neither side is above it, the test is inconclusive.
        floor_at: where each side is held against the floor, laid over its own coordinates; needed where
            the statistic is no score.
        measured: the figure that stands beside the published one, laid over ``where``, in place of the arm's
            mean; it plays no part in the verdict.
        unit: of the sides, where it is not the claim's.
        support: the verdict of a supported claim.

    Raises:
        GptreproError: the selection is empty or ambiguous, or the arguments do not go together.
    """
    shared, own = where or {}, arm or {}
    reduce, sign = STATISTICS[statistic], -1.0 if lower_is_better else 1.0

    def compare(record: Record, against: Record) -> Comparison:
        first = _side(record, shared, own, field="arm", along=along, mean_over=mean_over)
        second = _side(against, shared, over, field="over", along=along, mean_over=mean_over)
        names = _names(first, second, record, against)
        sides = [first.reduced(reduce), second.reduced(reduce)]
        paired = differences(first, second)  # for what it refuses, too
        if reduce is mean:
            effect = paired.reduced(mean)
        elif any(values.shape[1] > 1 for values in first.members.values()):
            raise GptreproError(
                f"The `statistic` {statistic} is of curves, one a seed: {experiment} has items."
            )
        else:
            effect = [a - b for a, b in zip(*sides, strict=True)]
        scores = sides
        if floor_at is not None:
            scores = [
                _side(each, {**shared, **its}, floor_at, field="floor_at", mean_over=mean_over).reduced(mean)
                for each, its in ((record, own), (against, over))
            ]
        shown = _side(record, shared, measured, field="measured").reduced(mean) if measured else sides[0]
        return Comparison(
            [sign * values for values in effect],
            region=(minimum, math.inf),
            measured=overall(shown),
            compared={} if measured else dict(zip(names, map(overall, sides), strict=True)),
            unit=None if measured else unit,
            effect=f"margin in {unit}" if measured and unit else "margin",
            between=" ({} over {})".format(*names),
            support=support,
            floor=None
            if floor is None
            else floor_of(floor, record, first, scores, where=shared, mean_over=mean_over, sign=sign),
            score=first.score,
        )

    return judged(evidence, experiment, rival, compare)


def refuse_apart(arguments: Mapping[str, Any]) -> None:
    """Refuse arguments of `arm_beats` that need one another and are given apart.

    Raises:
        GptreproError: a curve's statistic has no curve, or a floor is not said to be of what.
    """
    statistic, floor, floor_at = (arguments.get(name) for name in ("statistic", "floor", "floor_at"))
    of_curves = statistic is not None and statistic != "mean"
    if of_curves and arguments.get("along") is None:
        raise GptreproError(f"The `statistic` {statistic} is of curves, one a seed: say `along` which.")
    if (floor_at is not None and floor is None) or (floor is not None and of_curves and floor_at is None):
        raise GptreproError("`floor_at` says where the sides are held against a `floor`: give both.")


def equivalent_within(
    published: Any,
    evidence: Evidence,
    *,
    experiment: ExperimentName,
    over: Where,
    margin: Annotated[float, Field(gt=0)],
    arm: Where | None = None,
    where: Where | None = None,
    mean_over: str | None = None,
    floor: FloorValue | None = None,
    unit: str | None = None,
    support: Support = "trend replicated",
) -> Judgement:
    """``arm`` and ``over``, paired by what replicates, differ by less than ``margin`` either way.

    Statistical meaning: two one-sided tests at 5% each (TOST): the 90% interval of the difference must lie
    within the margin, so that a difference too small for the seeds to see does not pass for none. Wholly
    outside, it is not replicated. All else as in `arm_beats`.
    """
    shared = where or {}

    def compare(record: Record, _: Record) -> Comparison:
        first = _side(record, shared, arm or {}, field="arm", mean_over=mean_over)
        second = _side(record, shared, over, field="over", mean_over=mean_over)
        names = _names(first, second, record, record)
        sides = [first.reduced(mean), second.reduced(mean)]
        return Comparison(
            differences(first, second).reduced(mean),
            region=(-margin, margin),
            measured=overall(sides[0]),
            compared=dict(zip(names, map(overall, sides), strict=True)),
            unit=unit,
            effect="difference",
            between=" ({} against {})".format(*names),
            support=support,
            floor=None
            if floor is None
            else floor_of(floor, record, first, sides, where=shared, mean_over=mean_over),
            score=first.score,
        )

    return judged(evidence, experiment, None, compare)


def increases_with(
    published: Any,
    evidence: Evidence,
    *,
    experiment: ExperimentName,
    along: str,
    arm: Where | None = None,
    over: Where | None = None,
    where: Where | None = None,
    mean_over: str | None = None,
    statistic: Rise = "slope",
    minimum: Annotated[float, Field(ge=0)] = 0.0,
    step_loss: Annotated[float, Field(ge=0)] | None = None,
    log: bool = False,
    lower_is_better: bool = False,
    floor: FloorValue | None = None,
    unit: str | None = None,
    support: Support = "trend replicated",
) -> Judgement:
    """A score rises ``along`` a coordinate (sizes, shots, updates): overall, or at every step.

    Statistical meaning: without ``step_loss`` the score rises *overall*: a one-sided test of the slope (or of
    the rise from end to end) against ``minimum``, which a curve with a dip, or with one jump, may pass. With
    it the claim is of *every step*: besides, each step from one point to the next is tested not to lose more
    than ``step_loss``. All parts must hold at the level (an intersection-union test); a part that fails at
    the level divided by their number denies the claim. A step that neither gains nor loses is no loss.

    Args:
        published: not used in the verdict.
        evidence: gives the record.
        experiment: whose record holds the rows.
        where, arm, along, mean_over: the selection, as above.
        over: a second side; then what rises is the margin of ``arm`` over it.
        statistic: the least-squares slope over all points of the record, or the rise from end to end.
        minimum: the least of it that counts, stated before the run.
        step_loss: the most that a step may lose, stated before the run, for a claim of every step.
        log: whether the slope is per doubling of the position instead of per unit.
        lower_is_better: whether the score should fall.
        floor: the score of chance, as in `arm_beats`; if no side is above it at the last point, the test is
            inconclusive.
        unit: as in `arm_beats`.
        support: the verdict of a supported claim.

    Raises:
        GptreproError: the selection is empty or ambiguous, or has fewer than three points.
    """
    shared, sign = where or {}, -1.0 if lower_is_better else 1.0
    labels = find_experiment(experiment).labels
    if statistic == "rise":
        effect = f"{'fall' if lower_is_better else 'rise'} in all"
    else:
        effect = f"{'fall' if lower_is_better else 'slope'} per {'doubling' if log else one_of(along)}"
        effect = effect if step_loss is not None else f"overall {effect}"
    reduce = rise if statistic == "rise" else slope_a_doubling if log else slope

    def compare(record: Record, _: Record) -> Comparison:
        build = partial(_side, record, shared, along=along, mean_over=mean_over)
        curve, between = build(arm or {}, field="arm"), ""
        sides = [curve]
        if over is not None:
            sides.append(other := build(over, field="over"))
            between = " ({} over {})".format(*_names(curve, other, record, record))
            curve = differences(curve, other)
        places = [place(along, point, labels) for point in curve.points]
        members = curve.members.values()
        ends = {places[i]: overall([values[..., i] for values in members]) for i in (0, -1)}
        steps = {
            f"{places[i]} to {places[i + 1]}": [
                sign * (values[..., i + 1] - values[..., i]) for values in members
            ]
            for i in range(len(places) - 1)
        }
        last_scores = [each.reduced(last) for each in sides]
        return Comparison(
            [sign * values for values in curve.reduced(reduce)],
            region=(minimum, math.inf),
            measured=ends[places[-1]],
            compared=ends,
            unit=unit,
            effect=effect,
            between=between,
            support=support,
            floor=None
            if floor is None
            else floor_of(floor, record, sides[0], last_scores, where=shared, mean_over=mean_over, sign=sign),
            steps={} if step_loss is None else steps,
            loss=step_loss or 0.0,
            score=curve.score,
        )

    return judged(evidence, experiment, None, compare)


def _side(
    record: Record,
    where: Where,
    own: Where,
    *,
    field: str,
    along: str | None = None,
    mean_over: str | None = None,
) -> Side:
    labels = find_experiment(record.experiment).labels
    return side(record, where, own, labels, field=field, along=along, mean_over=mean_over)


def _names(first: Side, second: Side, record: Record, against: Record) -> tuple[str, str]:
    """What the sides are called; by their experiments where nothing else tells them apart."""
    if first.name != second.name:
        return first.name, second.name
    if record.experiment != against.experiment:
        return record.experiment, against.experiment
    raise GptreproError(f"`arm` and `over` of a rule on {record.experiment} select the same rows.")
