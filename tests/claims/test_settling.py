"""How many seeds would settle what is open."""

from __future__ import annotations

import numpy as np
from scipy import stats

from gptrepro.claims.settling import MOST_SEEDS, seeds_needed
from gptrepro.claims.trial import Trial
from gptrepro.evaluate.statistics import paired_t


def power(n: int, effect: float, scatter: float, level: float) -> float:
    """Of a one-sided t-test, from the noncentral t distribution."""
    critical = stats.t.ppf(1 - level, n - 1)
    return float(stats.nct.sf(critical, n - 1, effect * np.sqrt(n) / scatter))


def test_the_fewest_seeds_with_a_power_of_four_fifths():
    effect = paired_t([1.0, 2.0, 6.0])  # mean 3, scatter 2.65: open at 5% against 1
    needed = seeds_needed(Trial(effect, least=1.0), 0.05)
    assert needed is not None
    scatter = np.std([1.0, 2.0, 6.0], ddof=1)
    assert power(needed, 2.0, scatter, 0.05) >= 0.8 > power(needed - 1, 2.0, scatter, 0.05)


def test_an_effect_at_the_bound_needs_more_than_seeds():
    effect = paired_t([1.0, 2.0, 6.0])
    assert seeds_needed(Trial(effect, least=2.99), 0.05) is None
    assert MOST_SEEDS == 100


def test_an_open_step_counts():
    rises = Trial(paired_t([5.0, 5.1, 5.2]), least=0.0, steps={"one": paired_t([-1.0, 0.5, 1.2])}, loss=0.5)
    flat = Trial(paired_t([5.0, 5.1, 5.2]), least=0.0)
    assert (seeds_needed(rises, 0.05) or 0) > (seeds_needed(flat, 0.05) or 0)
