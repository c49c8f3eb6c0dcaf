"""Rules: named functions that turn evidence into a judgement.

A claim names one rule and its arguments; there is no expression language. A rule of a trained claim is
committed before the run that it judges. Every rule takes the published value, the evidence and keyword
arguments, and returns a `Judgement`.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from gptrepro.claims.construction import probe as run_probe
from gptrepro.claims.verdict import Judgement, Verdict
from gptrepro.errors import GptreproError
from gptrepro.evaluate.statistics import paired_t
from gptrepro.experiments import find_experiment
from gptrepro.results import Record, best_record, renewal, stale_reason

MINIMUM_SEEDS = 3
"""Fewer report seeds than this decide nothing."""


@dataclass(frozen=True)
class Evidence:
    """The records that rules may read; without any given, the published ones."""

    records: Mapping[str, Record] | None = None
    """Records by experiment, in place of the published ones."""
    _cache: dict[str, Record | None] = field(default_factory=dict, repr=False)

    def record(self, experiment: str) -> Record | None:
        """The record of an experiment at the largest scale there is, or None."""
        if self.records is not None:
            return self.records.get(experiment)
        if experiment not in self._cache:
            self._cache[experiment] = best_record(experiment)
        return self._cache[experiment]


Rule = Callable[..., Judgement]

RULES: dict[str, Rule] = {}
"""The rules by name."""


def _rule(function: Rule) -> Rule:
    RULES[function.__name__] = function
    return function


def apply_rule(name: str, published: Any, evidence: Evidence, arguments: Mapping[str, Any]) -> Judgement:
    """Judge a published value by the rule called ``name``.

    Raises:
        GptreproError: there is no such rule, or it does not take these arguments.
    """
    if name not in RULES:
        raise GptreproError(f"There is no rule '{name}': choose {', '.join(RULES)}.")
    rule = RULES[name]
    try:
        inspect.signature(rule).bind(published, evidence, **arguments)
    except TypeError as error:
        raise GptreproError(f"The rule '{name}' cannot be applied: {error}.") from None
    return rule(published, evidence, **arguments)


@_rule
def constructed(
    published: Any, evidence: Evidence, *, probe: str, model: str, tolerance: float = 0.0
) -> Judgement:
    """Compare the published value with one measured on the built thing (`gptrepro.claims.construction`).

    Agreement is `consistent`, a verdict of its own that never counts as a replication.
    """
    measured = run_probe(probe, model)
    if _agree(published, measured, tolerance):
        return Judgement(Verdict.CONSISTENT, "Measured on the built model, it agrees.", measured=measured)
    return Judgement(
        Verdict.NOT_REPLICATED, f"What was built gives {measured}, not {published}.", measured=measured
    )


def _agree(published: Any, measured: Any, tolerance: float) -> bool:
    """Equality, within ``tolerance`` for numbers; of a mapping, the published keys must all agree."""
    if isinstance(published, Mapping):
        return isinstance(measured, Mapping) and all(
            key in measured and _agree(value, measured[key], tolerance) for key, value in published.items()
        )
    if isinstance(published, bool) or isinstance(measured, bool):
        return published is measured
    if isinstance(published, int | float) and isinstance(measured, int | float):
        return math.isclose(published, measured, rel_tol=1e-12, abs_tol=tolerance)
    return bool(published == measured)


@_rule
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

    Judged by the paired t-interval over report seeds: wholly above the minimum is `trend replicated`,
    wholly below it is `not replicated`, anything else `inconclusive`. ``report`` names the metric that
    stands beside the published value; it plays no part in the verdict.
    """
    record = evidence.record(experiment)
    if record is None:
        return _not_run(experiment)
    falls = [b - a for b, a in zip(record.metric(before), record.metric(after), strict=True)]
    return _judge_differences(
        record,
        falls,
        minimum=minimum,
        measured=round(_mean(record.metric(report)), 2),
        effect=f"the fall from {before} to {after}, in nats",
    )


def _judge_differences(
    record: Record, differences: list[float], *, minimum: float, measured: Any, effect: str
) -> Judgement:
    """Judge whether paired differences exceed ``minimum``."""
    reason = stale_reason(record, find_experiment(record.experiment))
    common: dict[str, Any] = {
        "measured": measured,
        "n": len(differences),
        "seeds": record.seeds,
        "scale": str(record.scale),
        "experiment": record.experiment,
        "stale": f"{reason}; renew it with `{renewal(record)}`" if reason else None,
    }
    if len(differences) < MINIMUM_SEEDS:
        return Judgement(
            Verdict.INCONCLUSIVE,
            f"{len(differences)} seeds decide nothing; {MINIMUM_SEEDS} are the least.",
            **common,
        )
    test = paired_t(differences, null=minimum)
    low, high = test.low, test.high
    if low > minimum:
        verdict, relation = Verdict.TREND, "lies wholly above"
    elif high < minimum:
        verdict, relation = Verdict.NOT_REPLICATED, "lies wholly below"
    else:
        verdict, relation = Verdict.INCONCLUSIVE, "includes"
    return Judgement(
        verdict,
        f"The 95% interval of {effect}, {relation} the minimum of {minimum:g} stated beforehand.",
        interval=(round(low, 3), round(high, 3)),
        mde=round(test.mde, 3),
        p_value=test.p_value,
        **common,
    )


def _mean(values: list[float]) -> float:
    return math.fsum(values) / len(values)


def _not_run(experiment: str) -> Judgement:
    return Judgement(
        Verdict.NOT_RUN,
        f"Needs `gptrepro run {experiment} --scale laptop`, then `gptrepro publish {experiment}`.",
        experiment=experiment,
    )
