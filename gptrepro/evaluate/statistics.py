"""Intervals and tests: paired over seeds, items or both, and corrected where there are several."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, stats

LEVEL = 0.95
POWER = 0.8


@dataclass(frozen=True)
class Estimate:
    """A mean difference, and a test of whether it is ``null``."""

    mean: float
    low: float
    high: float
    """Ends of the 95% interval of the mean difference."""
    n: int
    """Independent units that it rests on: seeds, or items where there are no seeds."""
    p_value: float
    """Two-sided, against ``null``."""
    mde: float
    """The smallest departure from ``null`` that such a test sees with 80% power."""


def paired_t(differences: Sequence[float], null: float = 0.0) -> Estimate:
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
        return Estimate(mean, mean, mean, n, 1.0 if mean == null else 0.0, 0.0)
    low, high = stats.t.interval(LEVEL, n - 1, loc=mean, scale=error)
    p_value = float(stats.ttest_1samp(values, null).pvalue)
    return Estimate(mean, float(low), float(high), n, p_value, minimal_detectable_effect(n, deviation))


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
    differences: Sequence[float] | NDArray[np.floating],
    *more: NDArray[np.floating],
    null: float = 0.0,
    resamples: int = 9_999,
    seed: int = 0,
) -> Estimate:
    """The BCa bootstrap interval for the mean of paired differences, for evaluation claims.

    Items are resampled with replacement; each brings the scores of both systems, so that what makes
    an item hard for both cancels out. (Efron 1987; ``scipy.stats.bootstrap``.) The p-value is the share of
    resampled means that are as far from the mean as ``null`` is; the smallest visible effect is by the
    normal approximation.

    Args:
        differences: (n,) one an item, n >= 2: a window's loss, a question's 0 or 1.
        more: the same of further tasks, whose items are resampled apart; every task weighs the same.
        null: the mean difference that is tested.
        resamples: bootstrap samples.
        seed: of the resampling.

    Raises:
        ValueError: fewer than two differences.
    """
    tasks = [np.asarray(each, dtype=float) for each in (differences, *more)]
    if min(task.size for task in tasks) < 2:
        raise ValueError("a bootstrap needs at least two differences")
    n, mean = sum(task.size for task in tasks), float(_mean_of_tasks(*tasks))
    if all(np.ptp(task) == 0.0 for task in tasks):  # equal differences: the interval is a point
        return Estimate(mean, mean, mean, n, 1.0 if mean == null else 0.0, 0.0)
    found = stats.bootstrap(
        tasks,
        _mean_of_tasks,
        n_resamples=resamples,
        batch=max(1, 2**24 // n),  # 128 MB of resampled values at a time
        confidence_level=LEVEL,
        method="BCa",
        vectorized=True,
        rng=np.random.default_rng(seed),
    )
    low, high = found.confidence_interval
    error = math.sqrt(sum(task.var(ddof=1) / task.size for task in tasks)) / len(tasks)
    departures = found.bootstrap_distribution - mean
    return Estimate(
        mean, float(low), float(high), n, _share_beyond(departures, mean - null), _DETECTABLE * error
    )


def two_way_bootstrap(
    differences: Sequence[NDArray[np.floating]], *, null: float = 0.0, resamples: int = 9_999, seed: int = 0
) -> Estimate:
    """A bootstrap of the mean of paired differences over seeds and items, which both vary.

    All seeds are scored on the same items, so neither share of the error shrinks with more of the other.
    Seeds are too few to be resampled (three show two thirds of the variance and no tails): their common
    effect is drawn from Student's distribution, which gives `paired_t` where items do not vary. Items are
    resampled with replacement, each with what all seeds gave; what differs between seeds on an item is
    in the seeds' share already and is taken out of theirs. The interval is symmetric, and the p-value the
    share of draws as far from the mean as ``null`` is; the smallest visible effect is by the normal
    approximation.

    Args:
        differences: of each task (seeds, items), at least two of both; every task weighs the same.
        null: the mean difference that is tested.
        resamples: bootstrap samples.
        seed: of the resampling.

    Raises:
        ValueError: fewer than two seeds or items, or tasks of different seeds.
    """
    tasks = [np.asarray(each, dtype=float) for each in differences]
    n = tasks[0].shape[0]
    if n < 2 or any(task.shape[0] != n or task.shape[1] < 2 for task in tasks):
        raise ValueError(
            "a two-way bootstrap needs at least two seeds, the same for all tasks, and two items"
        )
    rng = np.random.default_rng(seed)
    of_seeds = np.mean([task.mean(axis=1) for task in tasks], axis=0)
    mean, error = float(of_seeds.mean()), float(of_seeds.std(ddof=1)) / math.sqrt(n)
    departures = rng.standard_t(n - 1, resamples) * error
    for task in tasks:
        items = task.mean(axis=0)
        noise = (task - task.mean(axis=1, keepdims=True) - items + task.mean()).var() * n / (n - 1)
        own = max(0.0, 1 - float(noise) / n / (float(items.var()) or 1.0))
        departures += math.sqrt(own) * (_resampled_means(rng, items, resamples) - items.mean()) / len(tasks)
    half = float(np.quantile(np.abs(departures), LEVEL))
    mde = half * _DETECTABLE / float(stats.norm.ppf(0.5 + LEVEL / 2))
    return Estimate(mean, mean - half, mean + half, n, _share_beyond(departures, mean - null), mde)


_DETECTABLE = float(stats.norm.ppf(0.5 + LEVEL / 2) + stats.norm.ppf(POWER))
"""Standard errors of an effect that a test on many items sees."""


def _mean_of_tasks(*tasks: NDArray[np.floating], axis: int = -1) -> Any:
    return sum(task.mean(axis=axis) for task in tasks) / len(tasks)


def _resampled_means(
    rng: np.random.Generator, values: NDArray[np.floating], resamples: int
) -> NDArray[np.floating]:
    batch = max(1, 2**24 // values.size)
    sizes = [min(batch, resamples - start) for start in range(0, resamples, batch)]
    return np.concatenate(
        [values[rng.integers(values.size, size=(size, values.size))].mean(axis=1) for size in sizes]
    )


def _share_beyond(departures: NDArray[np.floating], distance: float) -> float:
    """The share of draws as far from their centre as ``distance``, the observed one counted among them."""
    return float((1 + np.sum(np.abs(departures) >= abs(distance))) / (1 + departures.size))


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm's adjusted p-values, in the order given; each compares with the nominal level."""
    order = np.argsort(p_values)
    adjusted, highest = [0.0] * len(p_values), 0.0
    for rank, i in enumerate(order):
        highest = max(highest, min(1.0, (len(p_values) - rank) * p_values[i]))
        adjusted[i] = highest
    return adjusted
