"""The core of all rules on records: an interval against the region that the claim predicts."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Literal, get_args

from gptrepro.claims.evidence import Evidence
from gptrepro.claims.sides import Values, by_seed, estimate
from gptrepro.claims.verdict import Judgement, Verdict
from gptrepro.errors import GptreproError
from gptrepro.experiments import find_experiment
from gptrepro.results import Record, renewal, stale_reason
from gptrepro.scales import Scale

MINIMUM_SEEDS = 3
"""Fewer report seeds than this decide nothing."""

MINIMUM_ITEMS = 30
"""Fewer items than this decide nothing where items replicate."""

SIGNIFICANCE = 0.05
"""Two-sided level of every test."""

Support = Literal["replicated", "trend replicated", "mechanism shown"]
"""What a supported claim is called: as published, at a smaller scale, or on a constructed analogue."""


def judge_within(
    record: Record,
    tested: Sequence[Values],
    *,
    rival: Record | None = None,
    region: tuple[float, float],
    measured: float,
    effect: str,
    between: str = "",
    compared: Mapping[str, float],
    unit: str | None = None,
    support: Support = "trend replicated",
    scores: Sequence[Sequence[Values]] = (),
    floor: float = 0.0,
    sign: float = 1.0,
) -> Judgement:
    """Judge whether the mean of ``tested``, for each member (seeds, items), lies within ``region``.

    ``effect`` names what is tested, ``between`` says of what; ``rival`` is a second record that it is taken
    from. Of ``scores``, if any, one at least must be above ``floor``; ``sign`` -1 says that lower is better.
    """
    if support not in get_args(Support):
        raise GptreproError(f"A supported claim is {', '.join(get_args(Support))}, not '{support}'.")
    stale = [_stale(each) for each in (record, rival) if each is not None]
    items = min(values.shape[1] for values in tested)
    n = sum(values.shape[1] for values in tested) if record.replicated_over == "item" else len(record.seeds)
    common: dict[str, Any] = {
        "measured": round(measured, 2),
        "unit": unit,
        "compared": {name: round(value, 2) for name, value in compared.items()},
        "effect": effect,
        "size": round(overall(tested), 3),
        "n": n,
        "seeds": record.seeds,
        "scale": str(record.scale),
        "experiment": record.experiment,
        "stale": next(filter(None, stale), None),
    }
    few = []
    if record.replicated_over != "item" and n < MINIMUM_SEEDS:
        few.append(f"{n} seeds decide nothing; {MINIMUM_SEEDS} are the least.")
    if record.replicated_over != "seed" and items < MINIMUM_ITEMS:
        few.append(f"{items} items decide nothing; {MINIMUM_ITEMS} are the least.")
    if few:
        return Judgement(Verdict.INCONCLUSIVE, few[0], **common)
    over = record.replicated_over
    tests = [estimate(tested, over, null=end) for end in region if math.isfinite(end)]
    low, high = tests[0].low, tests[0].high
    common |= {"interval": (round(low, 3), round(high, 3)), "mde": round(tests[0].mde, 3)}
    above = [estimate([sign * values for values in each], over).low > sign * floor for each in scores]
    if scores and not any(above):
        return Judgement(
            Verdict.INCONCLUSIVE,
            f"No mean score is above the floor of {floor:g}, so the test decides nothing.",
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


def pair(evidence: Evidence, experiment: str, rival: str) -> tuple[Record, Record] | Judgement:
    """Two records at the largest scale that both have, with the seeds that both have; else what to run."""
    ours, theirs = evidence.by_scale(experiment), evidence.by_scale(rival)
    scale = next((scale for scale in ours if scale in theirs), None)
    if scale is None:
        cheapest = min({*ours, *theirs}, key=list(Scale).index, default=Scale.LAPTOP)
        return not_run(rival if cheapest in ours else experiment, cheapest)
    record, against = ours[scale], theirs[scale]
    if record.replicated_over != against.replicated_over:
        raise GptreproError(
            f"{experiment} replicates over {record.replicated_over} and its `rival` {rival} over "
            f"{against.replicated_over}: they cannot be paired."
        )
    if record.seeds == against.seeds:
        return record, against
    seeds = [seed for seed in record.seeds if seed in against.seeds]
    if len(seeds) >= MINIMUM_SEEDS:
        return record.of_seeds(seeds), against.of_seeds(seeds)
    fewer, more = sorted((against, record), key=lambda each: len(each.seeds))
    missing = ", ".join(str(seed) for seed in more.seeds if seed not in seeds)
    needs = f"report seeds {missing} of {fewer.experiment}, to be paired with {more.experiment}: "
    return not_run(fewer.experiment, scale, needs)


def overall(values: Sequence[Values]) -> float:
    """The mean over members, seeds and items."""
    return math.fsum(of_seeds := by_seed(values)) / len(of_seeds)


def not_run(experiment: str, scale: Scale = Scale.LAPTOP, needs: str = "") -> Judgement:
    published = experiment if scale is Scale.LAPTOP else f"{experiment} --scale {scale}"  # the default
    return Judgement(
        Verdict.NOT_RUN,
        f"Needs {needs}`gptrepro run {experiment} --scale {scale}`, then `gptrepro publish {published}`.",
        experiment=experiment,
    )
