"""Intervals and tests: paired over seeds or items, and corrected where there are several."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray
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


@dataclass(frozen=True)
class PairedBootstrap:
    """A paired bootstrap of a mean difference over items."""

    mean: float
    low: float
    high: float
    """Ends of the 95% interval of the mean difference."""
    n: int
    mde: float
    """The smallest mean difference that such a sample sees with 80% power, by the normal approximation."""


def paired_t(differences: Sequence[float], null: float = 0.0) -> PairedT:
    """Student's interval and test for the mean of paired differences, for trained claims.

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
    mean, deviation = float(values.mean()), float(values.std(ddof=1))
    error = deviation / math.sqrt(n)
    if error == 0.0:  # equal differences: the interval is a point
        return PairedT(mean, mean, mean, n, 1.0 if mean == null else 0.0, 0.0)
    low, high = stats.t.interval(LEVEL, n - 1, loc=mean, scale=error)
    p_value = float(stats.ttest_1samp(values, null).pvalue)
    return PairedT(mean, float(low), float(high), n, p_value, minimal_detectable_effect(n, deviation))


def minimal_detectable_effect(n: int, deviation: float) -> float:
    """The mean difference that a two-sided paired t-test at the 5% level sees with 80% power.

    From the noncentral t distribution; the rejections on the wrong side, always rarer than 1 in 1,000
    at this power, are left out.

    Args:
        n: number of differences, at least 2.
        deviation: their standard deviation.
    """
    return _detectable_standard_errors(n) * deviation / math.sqrt(n)


@cache
def _detectable_standard_errors(n: int) -> float:
    critical = stats.t.ppf(0.5 + LEVEL / 2, n - 1)

    def missing_power(standard_errors: float) -> float:
        return float(stats.nct.sf(critical, n - 1, standard_errors)) - POWER

    return float(optimize.brentq(missing_power, 0.0, 100.0))


def paired_bootstrap(
    differences: Sequence[float] | NDArray[np.floating], resamples: int = 9_999, seed: int = 0
) -> PairedBootstrap:
    """The BCa bootstrap interval for the mean of paired differences, for evaluation claims.

    Items are resampled with replacement; each brings the scores of both systems, so that what makes
    an item hard for both cancels out. (Efron 1987; ``scipy.stats.bootstrap``.)

    Args:
        differences: (n,) one an item, n >= 2: a window's loss, a question's 0 or 1.
        resamples: bootstrap samples.
        seed: of the resampling.

    Raises:
        ValueError: fewer than two differences.
    """
    values = np.asarray(differences, dtype=float)
    n = values.size
    if n < 2:
        raise ValueError("a bootstrap needs at least two differences")
    mean = float(values.mean())
    if np.ptp(values) == 0.0:  # equal differences: the interval is a point
        return PairedBootstrap(mean, mean, mean, n, 0.0)
    interval = stats.bootstrap(
        (values,),
        np.mean,
        n_resamples=resamples,
        batch=max(1, 2**24 // n),  # 128 MB of resampled values at a time
        confidence_level=LEVEL,
        method="BCa",
        rng=np.random.default_rng(seed),
    ).confidence_interval
    smallest = float(stats.norm.ppf(0.5 + LEVEL / 2) + stats.norm.ppf(POWER))
    error = float(values.std(ddof=1)) / math.sqrt(n)
    return PairedBootstrap(mean, float(interval.low), float(interval.high), n, smallest * error)


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm's adjusted p-values, in the order given; each compares with the nominal level."""
    order = np.argsort(p_values)
    adjusted, highest = [0.0] * len(p_values), 0.0
    for rank, i in enumerate(order):
        highest = max(highest, min(1.0, (len(p_values) - rank) * p_values[i]))
        adjusted[i] = highest
    return adjusted
