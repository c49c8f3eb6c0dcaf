"""Intervals and tests: paired over seeds, and corrected where there are several."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import optimize, stats

LEVEL = 0.95
POWER = 0.8


@dataclass(frozen=True)
class PairedT:
    """A paired t-test of whether the mean difference is ``null``."""

    mean: float
    low: float
    high: float
    """Ends of the 95% interval of the mean difference."""
    n: int
    p_value: float
    """Two-sided, against ``null``."""
    mde: float
    """The smallest departure from ``null`` that such a test sees with 80% power."""


def paired_t(differences: Sequence[float], null: float = 0.0) -> PairedT:
    """Student's interval and test for the mean of paired differences.

    Args:
        differences: (n,) one a seed, n >= 2.
        null: the mean difference that is tested.

    Raises:
        ValueError: fewer than two differences.
    """
    values = np.asarray(differences, dtype=float)
    n = values.size
    if n < 2:
        raise ValueError("a paired interval needs at least two differences")
    mean, error = float(values.mean()), float(values.std(ddof=1) / math.sqrt(n))
    if error == 0.0:  # equal differences: the interval is a point
        return PairedT(mean, mean, mean, n, 1.0 if mean == null else 0.0, 0.0)
    low, high = stats.t.interval(LEVEL, n - 1, loc=mean, scale=error)
    p_value = float(stats.ttest_1samp(values, null).pvalue)
    return PairedT(mean, float(low), float(high), n, p_value, _smallest_visible(n) * error)


def _smallest_visible(n: int) -> float:
    """The departure, in standard errors, that a two-sided t-test of n values sees with 80% power."""
    critical = stats.t.ppf(0.5 + LEVEL / 2, n - 1)
    return float(optimize.brentq(lambda d: stats.nct.sf(critical, n - 1, d) - POWER, 0.0, 100.0))


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm's adjusted p-values, in the order given; each compares with the nominal level."""
    order = np.argsort(p_values)
    adjusted, highest = [0.0] * len(p_values), 0.0
    for rank, i in enumerate(order):
        highest = max(highest, min(1.0, (len(p_values) - rank) * p_values[i]))
        adjusted[i] = highest
    return adjusted
