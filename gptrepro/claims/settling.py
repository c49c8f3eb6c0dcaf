"""What would settle a claim that is still open: seeds, a better score, another run, another size."""

from __future__ import annotations

import math
from bisect import bisect_left

from gptrepro.claims.claim import TEXTS
from gptrepro.claims.judging import MINIMUM_SEEDS
from gptrepro.claims.ledger import JudgedClaim
from gptrepro.claims.trial import Trial
from gptrepro.claims.verdict import Verdict
from gptrepro.evaluate.statistics import Estimate, Student, visible_standard_errors

MOST_SEEDS = 100
"""A test that would need more is better made at another scale."""


def what_would_settle(item: JudgedClaim) -> str | None:
    """One sentence on what would turn the verdict into a better founded one; None where nothing is open."""
    found = item.judgement
    if found.stale:
        return f"A new record: {found.stale}."
    match found.verdict:
        case Verdict.VOID:
            return "A training that passes the experiment's own check; then the same rule judges it."
        case Verdict.INCONCLUSIVE if item.basis == "experiment":
            return _of_open(found.trial, found.level or 0.0, len(found.seeds))
        case Verdict.TREND | Verdict.SMALLER | Verdict.NOT_REPLICATED if item.basis == "experiment":
            return f"Nothing more at {found.scale} scale; for the size of the paper, a run of that size."
        case Verdict.INCONCLUSIVE if item.claim.paper in TEXTS:
            return "What the authors have not published."
    return None


def _of_open(trial: Trial | None, level: float, seeds: int) -> str:
    """Of a test that could not tell."""
    if trial is None:
        if 0 < seeds < MINIMUM_SEEDS:
            return f"{MINIMUM_SEEDS - seeds} more seeds."
        return "Scores above what guessing gives: a larger model, more text or a longer training."
    needed = seeds_needed(trial, level)
    if needed is None:
        return f"Not seeds alone: more than {MOST_SEEDS} would be needed. A larger effect, at a larger scale."
    if needed <= seeds:
        return "The same test on fresh seeds: the scatter is small, the effect lies close to the bound."
    return f"{needed} seeds in place of {seeds}, if effect and scatter stay as they are (80% power)."


def seeds_needed(trial: Trial, level: float) -> int | None:
    """The fewest seeds that would decide, with 80% power, if the effect is what it seems to be.

    None where that takes more than `MOST_SEEDS`, or where items and not seeds replicate.
    """
    counts = [_seeds_for(*part, level) for part in open_parts(trial, level)]
    known = [count for count in counts if count is not None]
    return max(known, default=MINIMUM_SEEDS) if len(known) == len(counts) else None


def open_parts(trial: Trial, level: float) -> list[tuple[Estimate, float]]:
    """The parts of a claim that the data leave open: an estimate and the bound that it is held against."""
    bounds = [trial.least] if math.isinf(trial.most) else [trial.least, trial.most]
    parts = [(trial.effect, min(bounds, key=lambda bound: abs(trial.effect.mean - bound)))]
    parts += [(gain, -trial.loss) for gain in trial.steps.values()]
    return [(each, bound) for each, bound in parts if min(each.above(bound), each.below(bound)) >= level]


def _seeds_for(estimate: Estimate, bound: float, level: float) -> int | None:
    if not isinstance(estimate, Student):
        return None
    gap, scatter = abs(estimate.mean - bound), estimate.error * math.sqrt(estimate.n)
    counts = range(MINIMUM_SEEDS, MOST_SEEDS + 1)
    # What can be seen falls with every seed, so that the first count that is enough is found by halving.
    found = bisect_left(
        counts, True, key=lambda n: visible_standard_errors(n, level) * scatter / math.sqrt(n) <= gap
    )
    return counts[found] if found < len(counts) else None
