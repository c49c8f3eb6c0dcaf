"""Rules for what was trained or scored: they judge the records of experiments.

All share one core (`judging`): an effect (a paired difference, a slope) has a 95% interval over what the
record replicates: seeds, items or both. Wholly within the region that the claim predicts, it supports the
claim; wholly outside, it is `not replicated`; anything else is `inconclusive`. The region is stated in the
claim, before the run.

What a rule compares it selects by coordinates, with the same words in all rules:

    where      the coordinates that all rows of the rule share
    arm, over  what each side has besides
    along      the coordinate of the points, where curves are compared
    mean_over  the coordinate whose values are averaged, each weighing the same
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Annotated, Any

from pydantic import Field

from gptrepro.claims.arguments import ExperimentName, Where
from gptrepro.claims.evidence import Evidence
from gptrepro.claims.judging import SIGNIFICANCE, Support, judge_within, not_run, overall, pair
from gptrepro.claims.sides import (
    STATISTICS,
    Side,
    Statistic,
    differences,
    estimate,
    last,
    mean,
    side,
    slope,
    slope_a_doubling,
)
from gptrepro.claims.verdict import Judgement, Verdict
from gptrepro.claims.wording import one_of, place
from gptrepro.errors import GptreproError
from gptrepro.evaluate.statistics import holm
from gptrepro.experiments import find_experiment
from gptrepro.results import Record


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
    floor: float | None = None,
    floor_at: Where | None = None,
    measured: Where | None = None,
    unit: str | None = None,
    support: Support = "trend replicated",
) -> Judgement:
    """``arm`` beats ``over``, paired by what replicates, by more than ``minimum``.

    Args:
        published: not used in the verdict.
        evidence: gives the record.
        experiment: whose record holds both sides.
        where, arm, over, along, mean_over: the selection, as above.
        rival: the experiment of ``over``, where it is another one; judged are the seeds that both have, at
            the largest scale that both have.
        statistic: what is compared of each curve: its mean, or its roughness.
        minimum: the least margin that counts, stated before the run.
        lower_is_better: whether the better side is the lower one (a loss, a perplexity).
        floor: the score of chance; if neither side is above it, the test is inconclusive.
        floor_at: where each side is held against the floor, laid over its own coordinates; needed where
            the statistic is no score.
        measured: the figure that stands beside the published one, laid over ``where``, in place of the arm's
            mean; it plays no part in the verdict.
        unit: of the sides, where it is not the claim's.
        support: the verdict of a supported claim.

    Raises:
        GptreproError: the selection is empty or ambiguous, or the arguments do not go together.
    """
    records = pair(evidence, experiment, rival or experiment)
    if isinstance(records, Judgement):
        return records
    record, against = records
    is_mean = STATISTICS[statistic] is mean
    if not is_mean and record.replicated_over != "seed":
        raise GptreproError(f"The `statistic` {statistic} is of curves, one a seed: {experiment} has none.")
    shared, arm = where or {}, arm or {}
    first = _side(record, shared, arm, field="arm", along=along, mean_over=mean_over)
    second = _side(against, shared, over, field="over", along=along, mean_over=mean_over)
    names = _names(first, second, record, against)
    reduce = STATISTICS[statistic]
    if is_mean:
        effect = differences(first, second).reduced(mean)
    else:
        differences(first, second)  # for what it refuses
        effect = [a - b for a, b in zip(first.reduced(reduce), second.reduced(reduce), strict=True)]
    sides = [first.reduced(reduce), second.reduced(reduce)]
    scores = sides if floor is not None else []
    if floor_at is not None:
        scores = [
            _side(each, {**shared, **own}, floor_at, field="floor_at", mean_over=mean_over).reduced(mean)
            for each, own in ((record, arm), (against, over))
        ]
    sign = -1.0 if lower_is_better else 1.0
    shown = _side(record, shared, measured, field="measured").reduced(mean) if measured else sides[0]
    return judge_within(
        record,
        [sign * values for values in effect],
        region=(minimum, math.inf),
        measured=overall(shown),
        rival=against if rival else None,
        compared={} if measured else dict(zip(names, map(overall, sides), strict=True)),
        unit=None if measured else unit,
        effect=f"margin in {unit}" if measured and unit else "margin",
        between=" ({} over {})".format(*names),
        support=support,
        scores=scores,
        floor=floor or 0.0,
        sign=sign,
    )


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
    floor: float | None = None,
    unit: str | None = None,
    support: Support = "trend replicated",
) -> Judgement:
    """``arm`` and ``over``, paired by what replicates, differ by less than ``margin`` either way.

    Two one-sided tests at 2.5% each: the 95% interval of the difference must lie within the margin, so that
    a difference too small for the seeds to see does not pass for none. All else as in `arm_beats`.
    """
    record = evidence.record(experiment)
    if record is None:
        return not_run(experiment)
    first = _side(record, where or {}, arm or {}, field="arm", mean_over=mean_over)
    second = _side(record, where or {}, over, field="over", mean_over=mean_over)
    names = _names(first, second, record, record)
    sides = [first.reduced(mean), second.reduced(mean)]
    return judge_within(
        record,
        differences(first, second).reduced(mean),
        region=(-margin, margin),
        measured=overall(sides[0]),
        compared=dict(zip(names, map(overall, sides), strict=True)),
        unit=unit,
        effect="difference",
        between=" ({} against {})".format(*names),
        support=support,
        scores=sides if floor is not None else [],
        floor=floor or 0.0,
    )


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
    minimum: Annotated[float, Field(ge=0)] = 0.0,
    log: bool = False,
    lower_is_better: bool = False,
    floor: float | None = None,
    unit: str | None = None,
    support: Support = "trend replicated",
) -> Judgement:
    """A score rises ``along`` a coordinate (sizes, shots, updates) by more than ``minimum`` a unit, unbroken.

    The effect is the least-squares slope over every point that the record has. Besides, no step from one
    point to the next may go the other way significantly (Holm's correction over the steps): that breaks it.

    Args:
        published: not used in the verdict.
        evidence: gives the record.
        experiment: whose record holds the rows.
        where, arm, along, mean_over: the selection, as above.
        over: a second side; then what rises is the margin of ``arm`` over it.
        minimum: the least slope that counts, stated before the run.
        log: whether the slope is per doubling of the position instead of per unit.
        lower_is_better: whether the score should fall.
        floor: the score of chance; if no side is above it at the last point, the test is inconclusive.
        unit: as in `arm_beats`.
        support: the verdict of a supported claim.

    Raises:
        GptreproError: the selection is empty or ambiguous, or has fewer than three points.
    """
    record = evidence.record(experiment)
    if record is None:
        return not_run(experiment)
    sign = -1.0 if lower_is_better else 1.0
    build = partial(_side, record, where or {}, along=along, mean_over=mean_over)
    curve, between = build(arm or {}, field="arm"), ""
    sides = [curve]
    if over is not None:
        sides.append(other := build(over, field="over"))
        between = " ({} over {})".format(*_names(curve, other, record, record))
        curve = differences(curve, other)
    labels = find_experiment(experiment).labels
    places = [place(along, point, labels) for point in curve.points]
    ends = {
        name: overall([values[..., i] for values in curve.members.values()])
        for name, i in ((places[0], 0), (places[-1], -1))
    }
    found = judge_within(
        record,
        [sign * values for values in curve.reduced(slope_a_doubling if log else slope)],
        region=(minimum, math.inf),
        measured=ends[places[-1]],
        compared=ends,
        unit=unit,
        effect=f"{'fall' if lower_is_better else 'slope'} a {'doubling' if log else one_of(along)}",
        between=between,
        support=support,
        scores=[each.reduced(last) for each in sides] if floor is not None else [],
        floor=floor or 0.0,
        sign=sign,
    )
    reversal = _reversal(record, curve, sign, places) if found.verdict == support else None
    if reversal is None:
        return found
    return replace(found, verdict=Verdict.NOT_REPLICATED, reason=f"The trend breaks: {reversal}.")


def _reversal(record: Record, curve: Side, sign: float, places: Sequence[str]) -> str | None:
    """The first step that significantly goes the other way, in words; None if none does."""
    steps = [
        estimate(
            [sign * (values[..., i + 1] - values[..., i]) for values in curve.members.values()],
            record.replicated_over,
        )
        for i in range(len(places) - 1)
    ]
    for i, (step, p_value) in enumerate(zip(steps, holm([s.p_value for s in steps]), strict=True)):
        if step.mean < 0 and p_value < SIGNIFICANCE:
            return f"from {places[i]} to {places[i + 1]} it goes the other way by {abs(step.mean):.3g}"
    return None


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
