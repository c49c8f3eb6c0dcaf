"""Rules for what was trained: they judge the records of experiments over report seeds.

All share one core: a statistic of each seed (a paired difference, a slope) has a 95% t-interval over the
seeds. Wholly within the region that the claim predicts, it supports the claim; wholly outside,
it is `not replicated`; anything else is `inconclusive`. The region is stated in the claim, before the run.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Literal, get_args

import numpy as np

from gptrepro.claims.evidence import Evidence
from gptrepro.claims.verdict import Judgement, Verdict
from gptrepro.errors import GptreproError
from gptrepro.evaluate.statistics import holm, paired_t
from gptrepro.experiments import find_experiment
from gptrepro.results import Record, renewal, stale_reason
from gptrepro.scales import Scale

MINIMUM_SEEDS = 3
"""Fewer report seeds than this decide nothing."""

SIGNIFICANCE = 0.05
"""Two-sided level of every test."""

Support = Literal["replicated", "trend replicated", "mechanism shown"]
"""What a supported claim is called: as published, at a smaller scale, or on a constructed analogue."""


def loss_falls(
    published: Any,
    evidence: Evidence,
    *,
    experiment: str,
    before: str,
    after: str,
    minimum: float,
    report: str,
) -> Judgement:
    """A loss falls from metric ``before`` to metric ``after`` of one run by more than ``minimum`` nats.

    ``report`` names the metric that stands beside the published value; it plays no part in the verdict.
    """
    record = evidence.record(experiment)
    if record is None:
        return _not_run(experiment)
    return _judge(
        record,
        [a - b for a, b in zip(record.metric(before), record.metric(after), strict=True)],
        region=(minimum, math.inf),
        measured=_mean(record.metric(report)),
        effect="fall in nats",
        between=f" from {before} to {after}",
    )


def arm_beats(
    published: Any,
    evidence: Evidence,
    *,
    experiment: str,
    arm: str,
    over: str,
    rival: str | None = None,
    minimum: float = 0.0,
    lower_is_better: bool = False,
    floor: float | None = None,
    floor_of: list[str] | None = None,
    names: Mapping[str, str] | None = None,
    unit: str | None = None,
    support: Support = "trend replicated",
) -> Judgement:
    """Metric ``arm`` beats metric ``over``, paired by seed, by more than ``minimum``.

    Args:
        published: not used in the verdict.
        evidence: gives the record.
        experiment: whose record holds both metrics.
        arm, over: metrics of the two arms.
        rival: the experiment of ``over``, where it is another one; judged are the seeds that both have, at
            the largest scale that both have.
        minimum: the least margin that counts, stated before the run.
        lower_is_better: whether the better metric is the lower one (a loss, a perplexity).
        floor: the score of chance; if neither arm is above it, the test is inconclusive.
        floor_of: the metrics that must be above the floor in place of the arms, where these are no scores.
        names: what readers call the metrics or, where both arms have one name, the experiments.
        unit: of the metrics, where it is not the claim's.
        support: the verdict of a supported claim.
    """
    pair = _pair(evidence, experiment, rival or experiment)
    if isinstance(pair, Judgement):
        return pair
    record, against = pair
    sign = -1.0 if lower_is_better else 1.0
    better, worse = record.metric(arm), against.metric(over)
    called = (arm, over) if arm != over else (experiment, str(rival))
    compared = _compared(dict(zip(called, (better, worse), strict=True)), names)
    above = [better, worse]
    if floor_of is not None:
        above = [_metric_of_either(record, against, name) for name in floor_of]
    return _judge(
        record,
        [sign * (a - b) for a, b in zip(better, worse, strict=True)],
        region=(minimum, math.inf),
        measured=_mean(better),
        rival=against if rival else None,
        compared=compared,
        unit=unit,
        effect="margin",
        between=" ({} over {})".format(*compared),
        support=support,
        scores=above if floor is not None else [],
        floor=sign * floor if floor is not None else 0.0,
        sign=sign,
    )


def equivalent_within(
    published: Any,
    evidence: Evidence,
    *,
    experiment: str,
    arm: str,
    other: str,
    margin: float,
    floor: float | None = None,
    names: Mapping[str, str] | None = None,
    unit: str | None = None,
    support: Support = "trend replicated",
) -> Judgement:
    """Metrics ``arm`` and ``other``, paired by seed, differ by less than ``margin`` either way.

    Two one-sided tests at 2.5% each: the 95% interval of the difference must lie within the margin, so that
    a difference too small for the seeds to see does not pass for none. ``floor``, ``names`` and ``unit`` as
    in `arm_beats`.
    """
    record = evidence.record(experiment)
    if record is None:
        return _not_run(experiment)
    values, others = record.metric(arm), record.metric(other)
    return _judge(
        record,
        [a - b for a, b in zip(values, others, strict=True)],
        region=(-margin, margin),
        measured=_mean(values),
        compared=(compared := _compared({arm: values, other: others}, names)),
        unit=unit,
        effect="difference",
        between=" ({} against {})".format(*compared),
        support=support,
        scores=[values, others] if floor is not None else [],
        floor=floor or 0.0,
    )


def increases_with(
    published: Any,
    evidence: Evidence,
    *,
    experiment: str,
    points: Mapping[str, float],
    minimum: float = 0.0,
    log: bool = False,
    lower_is_better: bool = False,
    floor: float | None = None,
    per: str = "unit",
    names: Mapping[str, str] | None = None,
    unit: str | None = None,
    support: Support = "trend replicated",
) -> Judgement:
    """A score rises along ``points`` (sizes, shots, updates) by more than ``minimum`` a unit, unbroken.

    The statistic of a seed is its least-squares slope. Besides, no step from one point to the next may go
    the other way significantly (Holm's correction over the steps): that breaks the trend.

    Args:
        published: not used in the verdict.
        evidence: gives the record.
        experiment: whose record holds the metrics.
        points: at least three metrics and where they stand, in ascending order.
        minimum: the least slope that counts, stated before the run.
        log: whether the slope is per doubling of the position instead of per unit.
        lower_is_better: whether the metric should fall.
        floor: the score of chance; if the last point is not above it, the test is inconclusive.
        per: what a unit of the position is, such as ``letter``.
        names, unit: as in `arm_beats`.
        support: the verdict of a supported claim.

    Raises:
        GptreproError: fewer than three points, or not in ascending order.
    """
    places = list(points.values())
    if len(places) < 3 or sorted(set(places)) != places:
        raise GptreproError("A trend needs at least three points in ascending order.")
    record = evidence.record(experiment)
    if record is None:
        return _not_run(experiment)
    sign = -1.0 if lower_is_better else 1.0
    scores = sign * np.array([record.metric(name) for name in points]).T  # (seeds, points)
    x = np.log2(places) if log else np.array(places, dtype=float)
    x = x - x.mean()
    ends = [name for name, place in points.items() if place in (places[0], places[-1])]
    slopes = (scores @ x) / (x @ x)
    found = _judge(
        record,
        slopes.tolist(),
        region=(minimum, math.inf),
        measured=_mean((sign * scores[:, -1]).tolist()),
        compared=_compared({name: record.metric(name) for name in ends}, names),
        unit=unit,
        effect=f"{'fall' if lower_is_better else 'slope'} a {'doubling' if log else per}",
        support=support,
        scores=[(sign * scores[:, -1]).tolist()] if floor is not None else [],
        floor=sign * floor if floor is not None else 0.0,
        sign=sign,
    )
    reversal = _reversal(scores, list(points)) if found.verdict == support else None
    if reversal is None:
        return found
    fields = {name: getattr(found, name) for name in found.__dataclass_fields__}
    return Judgement(
        **fields | {"verdict": Verdict.NOT_REPLICATED, "reason": f"The trend breaks: {reversal}."}
    )


def _reversal(scores: Any, names: list[str]) -> str | None:
    """The first step that significantly goes down, in words; None if none does."""
    steps = [paired_t(step.tolist()) for step in np.diff(scores, axis=1).T]
    for i, (step, p_value) in enumerate(zip(steps, holm([s.p_value for s in steps]), strict=True)):
        if step.mean < 0 and p_value < SIGNIFICANCE:
            return f"from {names[i]} to {names[i + 1]} it goes the other way by {abs(step.mean):.3g}"
    return None


def _judge(
    record: Record,
    statistic: list[float],
    *,
    rival: Record | None = None,
    region: tuple[float, float],
    measured: float,
    effect: str,
    between: str = "",
    compared: Mapping[str, float] | None = None,
    unit: str | None = None,
    support: Support = "trend replicated",
    scores: Sequence[list[float]] = (),
    floor: float = 0.0,
    sign: float = 1.0,
) -> Judgement:
    """Judge whether the mean of ``statistic``, one value a seed, lies within ``region``.

    ``effect`` names the statistic, ``between`` says of what; ``rival`` is a second record that it is taken
    from. Of ``scores``, if any, one at least must be above ``floor``, after turning by ``sign``.
    """
    if support not in get_args(Support):
        raise GptreproError(f"A supported claim is {', '.join(get_args(Support))}, not '{support}'.")
    stale = [_stale(each) for each in (record, rival) if each is not None]
    common: dict[str, Any] = {
        "measured": round(measured, 2),
        "unit": unit,
        "compared": compared or {},
        "effect": effect,
        "size": round(_mean(statistic), 3),
        "n": len(statistic),
        "seeds": record.seeds,
        "scale": str(record.scale),
        "experiment": record.experiment,
        "stale": next(filter(None, stale), None),
    }
    if len(statistic) < MINIMUM_SEEDS:
        return Judgement(
            Verdict.INCONCLUSIVE,
            f"{len(statistic)} seeds decide nothing; {MINIMUM_SEEDS} are the least.",
            **common,
        )
    tests = [paired_t(statistic, null=end) for end in region if math.isfinite(end)]
    low, high = tests[0].low, tests[0].high
    common |= {"interval": (round(low, 3), round(high, 3)), "mde": round(tests[0].mde, 3)}
    if scores and all(paired_t([sign * s for s in arm], null=floor).low <= floor for arm in scores):
        return Judgement(
            Verdict.INCONCLUSIVE,
            f"No mean score is above the floor of {sign * floor:g}, so the test decides nothing.",
            **common,
        )
    least, most = region
    if math.isinf(most):
        bound, within, beyond = f"the minimum of {least:g}", "lies wholly above", "lies wholly below"
    else:
        bound, within, beyond = f"the margin of {most:g}", "lies wholly within", "lies wholly outside"
    p_value = max(test.p_value for test in tests)
    if least < low and high < most:
        verdict, relation = Verdict(support), within
    elif high < least or low > most:
        verdict, relation = Verdict.NOT_REPLICATED, beyond
        p_value = tests[0 if high < least else 1].p_value
    else:
        verdict, relation = Verdict.INCONCLUSIVE, "includes"
    return Judgement(
        verdict,
        f"The 95% interval of the {effect}{between} {relation} {bound} stated beforehand.",
        p_value=p_value,
        **common,
    )


def _stale(record: Record) -> str | None:
    reason = stale_reason(record, find_experiment(record.experiment))
    return f"{reason}; renew it with `{renewal(record)}`" if reason else None


def _pair(evidence: Evidence, experiment: str, rival: str) -> tuple[Record, Record] | Judgement:
    """Two records at the largest scale that both have, with the seeds that both have; else what to run."""
    ours, theirs = evidence.by_scale(experiment), evidence.by_scale(rival)
    scale = next((scale for scale in ours if scale in theirs), None)
    if scale is None:
        cheapest = min({*ours, *theirs}, key=list(Scale).index, default=Scale.LAPTOP)
        return _not_run(rival if cheapest in ours else experiment, cheapest)
    record, against = ours[scale], theirs[scale]
    if record.seeds == against.seeds:
        return record, against
    seeds = [seed for seed in record.seeds if seed in against.seeds]
    if len(seeds) >= MINIMUM_SEEDS:
        return record.of_seeds(seeds), against.of_seeds(seeds)
    fewer, more = sorted((against, record), key=lambda each: len(each.seeds))
    missing = ", ".join(str(seed) for seed in more.seeds if seed not in seeds)
    needs = f"report seeds {missing} of {fewer.experiment}, to be paired with {more.experiment}: "
    return _not_run(fewer.experiment, scale, needs)


def _metric_of_either(record: Record, other: Record, name: str) -> list[float]:
    try:
        return record.metric(name)
    except GptreproError:
        return other.metric(name)


def _compared(values: Mapping[str, list[float]], names: Mapping[str, str] | None) -> dict[str, float]:
    """The means over seeds of what is compared, by the names that readers know."""
    return {(names or {}).get(name, name): round(_mean(of_seeds), 2) for name, of_seeds in values.items()}


def _mean(values: list[float]) -> float:
    return math.fsum(values) / len(values)


def _not_run(experiment: str, scale: Scale = Scale.LAPTOP, needs: str = "") -> Judgement:
    published = experiment if scale is Scale.LAPTOP else f"{experiment} --scale {scale}"  # the default
    return Judgement(
        Verdict.NOT_RUN,
        f"Needs {needs}`gptrepro run {experiment} --scale {scale}`, then `gptrepro publish {published}`.",
        experiment=experiment,
    )
