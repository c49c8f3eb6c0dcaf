"""The core of all rules on records: from what a rule compares to a verdict.

One record decides: of the scales at which an experiment ran, the largest with enough seeds. Before its effect
is put to a test (`Trial`), the record must pass the experiment's own check, and the scores must be above what
guessing gives.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, get_args

import numpy as np

from gptrepro.claims.evidence import Evidence
from gptrepro.claims.floors import Floor
from gptrepro.claims.sides import Values, differences, estimate, mean, overall, side
from gptrepro.claims.trial import Trial
from gptrepro.claims.verdict import AtScale, Judgement, Verdict
from gptrepro.claims.wording import percent
from gptrepro.errors import GptreproError
from gptrepro.evaluate.statistics import Estimate
from gptrepro.experiments import find_experiment
from gptrepro.results import Record, renewal, stale_reason
from gptrepro.scales import Scale

MINIMUM_SEEDS = 3
"""Fewer report seeds than this decide nothing."""

MINIMUM_ITEMS = 20
"""Fewer items than this decide nothing where items replicate."""

MINIMUM_DISCORDANT = 10
"""Nor do items on which the sides differ fewer times than this: a bootstrap does not see rare events."""

SIGNIFICANCE = 0.05
"""One-sided level of every test."""

MACHINE_SCATTER = {"heldout_nll": 0.0023}
"""How far a score of one seed moves between processors: ``gpt1-pretraining``, seed 100, gave 4.50558 nats on
one make and 4.50332 on another, at one commit."""

Support = Literal["replicated", "trend replicated", "mechanism shown"]
"""What a supported claim is called: as published, at a smaller scale, or on a constructed analogue."""


@dataclass(frozen=True)
class Comparison:
    """What a rule finds in a record, to be put to a test."""

    tested: Sequence[Values]
    """The effect of each member: (seeds, items)."""
    region: tuple[float, float]
    """Where the claim says that the mean effect lies."""
    measured: float
    effect: str
    """What is tested, in words."""
    compared: Mapping[str, float]
    between: str = ""
    """Of what it is tested, in words."""
    unit: str | None = None
    support: Support = "trend replicated"
    floor: Floor | None = None
    steps: Mapping[str, Sequence[Values]] = field(default_factory=dict)
    """The gain of each step of a curve, of each member, where every step is asked about."""
    loss: float = 0.0
    """The most that a step may lose."""
    score: str | None = None
    """Of what is compared, where it is one."""


OnRecords = Callable[[Record, Record], Comparison]
"""A rule, on a record and that of its rival: the same one where there is none."""


def judged(evidence: Evidence, experiment: str, rival: str | None, rule: OnRecords) -> Judgement:
    """What a rule says on the record that decides, with the other scales beside it."""
    records = pairs(evidence, experiment, rival or experiment)
    if isinstance(records, Judgement):
        return records
    found = [_judged_on(*pair, rule(*pair)) for pair in records]
    i = next((i for i, (record, _) in enumerate(records) if _too_few_runs(record) is None), 0)
    return decided(replace(found[i], others=(*found[:i], *found[i + 1 :])))


def _judged_on(record: Record, rival: Record, found: Comparison) -> Judgement:
    """A judgement that is still to be decided; or one that no test can change."""
    if found.support not in get_args(Support):
        raise GptreproError(f"A supported claim is {', '.join(get_args(Support))}, not '{found.support}'.")
    over = record.replicated_over
    judgement = Judgement(
        Verdict.INCONCLUSIVE,
        reason="",
        measured=round(found.measured, 2),
        unit=found.unit,
        compared={name: round(value, 2) for name, value in found.compared.items()},
        effect=found.effect,
        size=round(overall(found.tested), 3),
        n=sum(values.shape[1] for values in found.tested) if over == "item" else len(record.seeds),
        seeds=record.seeds,
        scale=str(record.scale),
        experiment=record.experiment,
        precision=" and ".join(sorted({run.precision for each in (record, rival) for run in each.runs})),
        stale=next(filter(None, map(_stale, (record, rival))), None),
    )
    if few := _too_few_runs(record) or _too_few_items(record, found.tested):
        return replace(judgement, reason=few)
    effect = estimate(found.tested, over)
    if fault := _fault(record) or _fault(rival):
        return _shown(replace(judgement, verdict=Verdict.VOID, reason=fault), effect, SIGNIFICANCE)
    if found.floor and (below := found.floor.not_reached(over, SIGNIFICANCE)):
        return _shown(replace(judgement, reason=below), effect, SIGNIFICANCE)
    trial = Trial(
        effect,
        *found.region,
        steps={name: estimate(gains, over) for name, gains in found.steps.items()},
        loss=found.loss,
        what=found.effect + found.between,
        support=found.support,
        scatter=MACHINE_SCATTER.get(found.score or ""),
    )
    return replace(judgement, trial=trial)


def decided(judgement: Judgement, level: float = SIGNIFICANCE, p_value: float | None = None) -> Judgement:
    """The verdict at a one-sided level, with interval, p-value and smallest visible effect at that level.

    Args:
        judgement: of a rule, with its trial; one without is what it is at any level.
        level: the nominal one, or what the correction for other tests leaves.
        p_value: corrected for other tests; the trial's own where there are none.
    """
    beside = tuple(_at_scale(each, level) for each in judgement.others)
    trial = judgement.trial
    if trial is None:
        return replace(judgement, beside=beside)
    answer = trial.answer(level)
    verdict = {
        "supported": Verdict(trial.support),
        "smaller": Verdict.SMALLER,
        "contradicted": Verdict.NOT_REPLICATED,
        "open": Verdict.INCONCLUSIVE,
    }[answer]
    reason = _reason(trial, level)
    if len(trial.elsewhere(level)) > 1:
        reason += (
            f" Another machine might turn it: it is enough that one seed lies off by {trial.scatter:g}, the "
            "scatter of this score between processors."
        )
    p_value = trial.p_value if p_value is None else p_value
    found = replace(judgement, verdict=verdict, reason=reason, p_value=p_value, beside=beside)
    return _shown(found, trial.effect, level)


def _shown(judgement: Judgement, effect: Estimate, level: float) -> Judgement:
    low, high = effect.interval(level)
    interval = (round(low, 3), round(high, 3))
    return replace(judgement, interval=interval, level=level, mde=round(effect.visible(level), 3))


def _reason(trial: Trial, level: float) -> str:
    """Why the answer is what it is: where the interval lies in the region stated beforehand."""
    interval = f"The {percent(1 - 2 * level)} interval of the {trial.what}"
    answer, bounded = trial.answer(level), np.isfinite(trial.most)
    bound = f"the margin of {trial.most:g}" if bounded else f"the minimum of {trial.least:g}"
    if trial.steps:
        if answer == "supported":
            return f"{interval} lies wholly above {bound}, and no step loses more than {trial.loss:g}."
        if (step := trial.broken(level)) is not None:
            return f"Not every step helps: from {step} more than {trial.loss:g} is lost."
        if (step := trial.unsettled(level)) is not None:
            return f"{interval} lies wholly above {bound}, but from {step} {trial.loss:g} may be lost."
    lies = {
        "supported": "lies wholly within" if bounded else "lies wholly above",
        "smaller": "lies wholly below",
        "contradicted": "lies wholly outside" if bounded else "lies wholly below",
        "open": "includes",
    }[answer]
    beyond_zero = answer == "contradicted" and not bounded and trial.least > 0
    return f"{interval} {lies} {'zero' if beyond_zero else f'{bound} stated beforehand'}."


def _at_scale(other: Judgement, level: float) -> AtScale:
    interval = other.interval
    if other.trial is not None:
        low, high = other.trial.effect.interval(level)
        interval = (round(low, 3), round(high, 3))
    return AtScale(str(other.scale), other.n or 0, other.size or 0.0, interval)


def _too_few_runs(record: Record) -> str | None:
    n = len(record.seeds)
    if record.replicated_over == "item" or n >= MINIMUM_SEEDS:
        return None
    return f"{n} seeds decide nothing; {MINIMUM_SEEDS} are the least."


def _too_few_items(record: Record, tested: Sequence[Values]) -> str | None:
    """Where items are drawn afresh: why these are too few for that."""
    drawn = [values for values in tested if record.replicated_over == "item" or values.shape[1] > 1]
    if not drawn:
        return None
    items = min(values.shape[1] for values in drawn)
    if items < MINIMUM_ITEMS:
        return f"{items} items decide nothing; {MINIMUM_ITEMS} are the least."
    discordant = sum(int(np.count_nonzero(values.any(axis=0))) for values in drawn)
    if discordant >= MINIMUM_DISCORDANT:
        return None
    return f"{discordant} items on which the sides differ decide nothing; {MINIMUM_DISCORDANT} are the least."


def _fault(record: Record) -> str | None:
    """What the experiment's own check finds wrong with its record; None where it is valid or has none."""
    experiment = find_experiment(record.experiment)
    check = experiment.valid_if
    if check is None:
        return None
    first, second = (
        side(record, check.where, own, experiment.labels, field="valid_if", mean_over=check.mean_over)
        for own in (check.arm, check.over)
    )
    gap = estimate(differences(first, second).reduced(mean), record.replicated_over)
    if gap.below(0.0) >= SIGNIFICANCE:
        return None
    return (
        f"The experiment fails its own check and decides nothing: {first.name} scores {-gap.mean:.1f} below "
        f"{second.name}."
    )


def _stale(record: Record) -> str | None:
    reason = stale_reason(record, find_experiment(record.experiment))
    return f"{reason}; renew it with `{renewal(record)}`" if reason else None


def pairs(evidence: Evidence, experiment: str, rival: str) -> list[tuple[Record, Record]] | Judgement:
    """Two records at every scale that both have, the largest first, with the seeds that both have.

    Where none of them can be judged for want of seeds in common, or there is none, the judgement says what
    to run.
    """
    ours, theirs = evidence.by_scale(experiment), evidence.by_scale(rival)
    scales = [scale for scale in ours if scale in theirs]
    if not scales:
        cheapest = min({*ours, *theirs}, key=list(Scale).index, default=Scale.LAPTOP)
        return not_run(rival if cheapest in ours else experiment, cheapest)
    found, missing = [], []
    for scale in scales:
        record, against = _alike(ours[scale], theirs[scale])
        seeds = [seed for seed in record.seeds if seed in against.seeds]
        if record.seeds == against.seeds:
            found.append((record, against))
        elif len(seeds) >= MINIMUM_SEEDS:
            found.append((record.of_seeds(seeds), against.of_seeds(seeds)))
        else:
            missing.append(_seeds_wanting(record, against))
    return found or missing[0]


def _alike(record: Record, against: Record) -> tuple[Record, Record]:
    """Two records that replicate over the same: seeds alone, where only one of them kept items."""
    over = {record.replicated_over, against.replicated_over}
    if len(over) == 1:
        return record, against
    if "item" in over:
        raise GptreproError(
            f"{record.experiment} replicates over {record.replicated_over} and its `rival` "
            f"{against.experiment} over {against.replicated_over}: they cannot be paired."
        )
    first, second = (each.model_copy(update={"replicated_over": "seed"}) for each in (record, against))
    return first, second


def _seeds_wanting(record: Record, against: Record) -> Judgement:
    fewer, more = sorted((against, record), key=lambda each: len(each.seeds))
    missing = ", ".join(str(seed) for seed in more.seeds if seed not in fewer.seeds)
    needs = f"report seeds {missing} of {fewer.experiment}, to be paired with {more.experiment}: "
    return not_run(fewer.experiment, record.scale, needs)


def not_run(experiment: str, scale: Scale = Scale.LAPTOP, needs: str = "") -> Judgement:
    """The judgement where there is no record, with the commands that make one."""
    published = experiment if scale is Scale.LAPTOP else f"{experiment} --scale {scale}"  # the default
    return Judgement(
        Verdict.NOT_RUN,
        f"Needs {needs}`gptrepro run {experiment} --scale {scale}`, then `gptrepro publish {published}`.",
        experiment=experiment,
    )
