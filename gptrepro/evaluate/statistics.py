"""Intervals and tests: paired over seeds, items or both, and corrected where there are several.

Every test is one-sided: a claim says on which side of a bound an effect lies. An interval at the level
``alpha`` has two ends that are each missed with that probability, so that it excludes a bound exactly where
the one-sided test at ``alpha`` does; at 5% it is the 90% interval, as in two one-sided tests of equivalence.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache

import numpy as np
import scipy  # its parts load when they are used
from numpy.typing import NDArray

POWER = 0.8

TAIL = 0.025
"""Of the 95% interval: what either end misses."""

Values = NDArray[np.floating]


@dataclass(frozen=True)
class Estimate(ABC):
    """The mean of paired differences, with the law of its error."""

    mean: float
    n: int
    """Independent units that it rests on: seeds, or items where there are no seeds."""

    @abstractmethod
    def interval(self, alpha: float) -> tuple[float, float]:
        """Two bounds of the mean, each missed with probability ``alpha``."""

    @abstractmethod
    def above(self, null: float) -> float:
        """One-sided p-value for a mean above ``null``."""

    @abstractmethod
    def visible(self, alpha: float) -> float:
        """The smallest departure from a bound that a one-sided test at ``alpha`` sees with 80% power."""

    def below(self, null: float) -> float:
        """One-sided p-value for a mean below ``null``."""
        return 1.0 - self.above(null)

    @property
    def low(self) -> float:
        """Lower end of the 95% interval."""
        return self.interval(TAIL)[0]

    @property
    def high(self) -> float:
        """Upper end of the 95% interval."""
        return self.interval(TAIL)[1]


@dataclass(frozen=True)
class Student(Estimate):
    """The error is Student's: normal differences of unknown variance."""

    differences: tuple[float, ...]
    """One a seed."""
    error: float
    """Standard error of the mean; 0 where all differences are equal, and the interval is a point."""

    def interval(self, alpha: float) -> tuple[float, float]:
        half = float(scipy.special.stdtrit(self.n - 1, 1 - alpha)) * self.error
        return self.mean - half, self.mean + half

    def above(self, null: float) -> float:
        if self.error == 0.0:
            return float(self.mean <= null)
        return float(scipy.special.stdtr(self.n - 1, (null - self.mean) / self.error))

    def below(self, null: float) -> float:
        return float(self.mean >= null) if self.error == 0.0 else 1.0 - self.above(null)

    def visible(self, alpha: float) -> float:
        return visible_standard_errors(self.n, alpha) * self.error


def paired_t(differences: Sequence[float]) -> Student:
    """Student's interval and test for the mean of paired differences, for trained claims.

    Args:
        differences: (n,) one a seed, n >= 2.

    Raises:
        ValueError: fewer than two differences.
    """
    values = np.asarray(differences, dtype=float)
    if values.size < 2:
        raise ValueError("a paired interval needs at least two differences")
    error = float(values.std(ddof=1)) / math.sqrt(values.size)
    return Student(float(values.mean()), values.size, tuple(map(float, values)), error)


@cache
def visible_standard_errors(n: int, alpha: float) -> float:
    """From the noncentral t distribution: how many standard errors a one-sided test sees with 80% power."""
    critical = float(scipy.special.stdtrit(n - 1, 1 - alpha))

    def missing_power(standard_errors: float) -> float:
        return float(scipy.stats.nct.sf(critical, n - 1, standard_errors)) - POWER

    return float(scipy.optimize.brentq(missing_power, 0.0, 10.0 + 4.0 * critical))


@dataclass(frozen=True)
class Resampled(Estimate):
    """The error is that of items drawn afresh: the BCa bootstrap (Efron 1987), its p-value by inversion."""

    draws: Values = field(repr=False)
    """Resampled means, ascending."""
    acceleration: float
    error: float

    @property
    def bias(self) -> float:
        """How far the draws lie to one side of the mean, in standard normal units."""
        return self._normal(self.mean)

    def _normal(self, value: float) -> float:
        """The share of draws below a value as a standard normal quantile; of ties, one half."""
        below = np.searchsorted(self.draws, value, "left") + np.searchsorted(self.draws, value, "right")
        return float(scipy.special.ndtri((below / 2 + 0.5) / (self.draws.size + 1)))

    def interval(self, alpha: float) -> tuple[float, float]:
        shifted = self.bias + scipy.special.ndtri([alpha, 1 - alpha])
        shares = scipy.special.ndtr(self.bias + shifted / (1 - self.acceleration * shifted))
        low, high = np.quantile(self.draws, shares)
        return float(low), float(high)

    def above(self, null: float) -> float:
        if self.error == 0.0:
            return float(self.mean <= null)
        distance = self._normal(null) - self.bias
        return float(scipy.special.ndtr(distance / (1 + self.acceleration * distance) - self.bias))

    def below(self, null: float) -> float:
        return float(self.mean >= null) if self.error == 0.0 else 1.0 - self.above(null)

    def visible(self, alpha: float) -> float:
        return float(scipy.special.ndtri(1 - alpha) + scipy.special.ndtri(POWER)) * self.error


def paired_bootstrap(
    *differences: Sequence[float] | Values, resamples: int = 9_999, seed: int = 0
) -> Resampled:
    """The bootstrap of the mean of paired differences over items, for evaluation claims.

    Items are resampled with replacement; each brings the scores of both systems, so that what makes an item
    hard for both cancels out.

    Args:
        differences: of each task (n,) one an item, n >= 2: a window's loss, a question's 0 or 1. The items of
            tasks are resampled apart; every task weighs the same.
        resamples: bootstrap samples.
        seed: of the resampling.

    Raises:
        ValueError: fewer than two differences.
    """
    tasks = [np.asarray(each, dtype=float) for each in differences]
    if min(task.size for task in tasks) < 2:
        raise ValueError("a bootstrap needs at least two differences")
    rng = np.random.default_rng(seed)
    draws = np.mean([_resampled_means(rng, task, resamples) for task in tasks], axis=0)
    pulls = [(task - task.mean()) / task.size for task in tasks]
    squares, cubes = (math.fsum(float((pull**power).sum()) for pull in pulls) for power in (2, 3))
    corrected = math.fsum(float(task.var(ddof=1)) / task.size for task in tasks)
    return Resampled(
        float(np.mean([task.mean() for task in tasks])),
        sum(task.size for task in tasks),
        draws=np.sort(draws),
        acceleration=cubes / 6 / squares**1.5 if squares else 0.0,
        error=math.sqrt(corrected) / len(tasks),
    )


@dataclass(frozen=True)
class TwoWay(Estimate):
    """The error is that of seeds and items at once; it is symmetric."""

    departures: Values = field(repr=False)
    """Drawn errors of the mean without their sign, ascending."""

    def interval(self, alpha: float) -> tuple[float, float]:
        half = float(np.quantile(self.departures, 1 - 2 * alpha))
        return self.mean - half, self.mean + half

    def above(self, null: float) -> float:
        beyond = self.departures.size - int(np.searchsorted(self.departures, abs(self.mean - null)))
        tail = (1 + beyond) / (1 + self.departures.size) / 2
        return tail if self.mean > null else 1 - tail

    def visible(self, alpha: float) -> float:
        half = self.interval(alpha)[1] - self.mean
        return half * float(1 + scipy.special.ndtri(POWER) / scipy.special.ndtri(1 - alpha))


def two_way_bootstrap(differences: Sequence[Values], *, resamples: int = 9_999, seed: int = 0) -> TwoWay:
    """A bootstrap of the mean of paired differences over seeds and items, which both vary.

    All seeds are scored on the same items, so neither share of the error shrinks with more of the other.
    Seeds are too few to be resampled (three show two thirds of the variance and no tails): their common
    effect is drawn from Student's distribution, which gives `paired_t` where items do not vary. Items are
    resampled with replacement, each with what all seeds gave; what differs between seeds on an item is
    in the seeds' share already and is taken out of theirs. The smallest visible effect is by the normal
    approximation.

    Args:
        differences: of each task (seeds, items); every task weighs the same. A task with one item is a score
            whose items were not kept: it brings its seeds' error only.
        resamples: bootstrap samples.
        seed: of the resampling.

    Raises:
        ValueError: fewer than two seeds, or tasks of different seeds.
    """
    tasks = [np.asarray(each, dtype=float) for each in differences]
    n = tasks[0].shape[0]
    if n < 2 or any(task.shape[0] != n for task in tasks):
        raise ValueError("a two-way bootstrap needs at least two seeds, the same for all tasks")
    rng = np.random.default_rng(seed)
    of_seeds = np.mean([task.mean(axis=1) for task in tasks], axis=0)
    mean, error = float(of_seeds.mean()), float(of_seeds.std(ddof=1)) / math.sqrt(n)
    departures = rng.standard_t(n - 1, resamples) * error
    for task in tasks:
        if task.shape[1] < 2:
            continue
        items = task.mean(axis=0)
        noise = (task - task.mean(axis=1, keepdims=True) - items + task.mean()).var() * n / (n - 1)
        own = max(0.0, 1 - float(noise) / n / (float(items.var()) or 1.0))
        departures += math.sqrt(own) * (_resampled_means(rng, items, resamples) - items.mean()) / len(tasks)
    return TwoWay(mean, n, departures=np.sort(np.abs(departures)))


def _resampled_means(rng: np.random.Generator, values: Values, resamples: int) -> Values:
    batch = max(1, 2**24 // values.size)  # 128 MB of resampled values at a time
    sizes = [min(batch, resamples - start) for start in range(0, resamples, batch)]
    return np.concatenate(
        [values[rng.integers(values.size, size=(size, values.size))].mean(axis=1) for size in sizes]
    )


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm's adjusted p-values, in the order given; each compares with the nominal level."""
    order = np.argsort(p_values)
    adjusted, highest = [0.0] * len(p_values), 0.0
    for rank, i in enumerate(order):
        highest = max(highest, min(1.0, (len(p_values) - rank) * p_values[i]))
        adjusted[i] = highest
    return adjusted


def holm_levels(p_values: Sequence[float], alpha: float) -> list[float]:
    """The level at which Holm's procedure decides each test, in the order given.

    The smallest p-value is compared with ``alpha / m``, the next one with ``alpha / (m - 1)``, up to the
    first that is not below: there the procedure stops, and that level decides all that are left.
    """
    m = len(p_values)
    levels, level, stopped = [0.0] * m, alpha, False
    for rank, i in enumerate(np.argsort(p_values)):
        level = level if stopped else alpha / (m - rank)
        stopped = stopped or p_values[i] >= level
        levels[i] = level
    return levels
