"""Size and power of every rule, by simulation: how often each is right and wrong where the truth is known.

Effects and curves are drawn with standard deviation 1, at 3, 5 and 8 seeds.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

from gptrepro.claims.judging import SIGNIFICANCE
from gptrepro.claims.sides import Values, rise, slope
from gptrepro.claims.trial import Answer, Trial
from gptrepro.evaluate.statistics import holm_levels, paired_bootstrap, paired_t, two_way_bootstrap

TRIALS = 500
SEEDS = pytest.mark.parametrize("n", [3, 5, 8])

U_SHAPE = (32.5, 31.2, 31.2, 33.4, 35.0)
"""The means of our own layers carried over, once: the embeddings alone beat one and two layers."""
STEADY = (30.0, 31.5, 33.0, 34.5, 36.0)
JUMP_AT_THE_END = (31.0, 31.0, 31.0, 31.0, 35.0)
JUMP_AT_THE_START = (31.0, 35.0, 35.0, 35.0, 35.0)


def rates(make: Callable[[Any], Trial], draws: Sequence[Any]) -> dict[Answer, float]:
    """How often each answer is given at the nominal level."""
    answers = [make(draw).answer(SIGNIFICANCE) for draw in draws]
    kinds: tuple[Answer, ...] = ("supported", "smaller", "contradicted", "open")
    return {kind: answers.count(kind) / len(draws) for kind in kinds}


def beyond_chance(nominal: float, trials: int = TRIALS) -> float:
    """The nominal rate, and four standard errors of a simulated one above."""
    return nominal + 4 * math.sqrt(nominal * (1 - nominal) / trials)


def effects(n: int, mean: float, trials: int = TRIALS) -> Values:
    return np.random.default_rng(n).normal(mean, 1.0, (trials, n))


def direction(least: float) -> Callable[[Values], Trial]:
    return lambda differences: Trial(paired_t(list(differences)), least)


@SEEDS
@pytest.mark.parametrize("least", [0.0, 0.7, -0.7])
def test_a_margin_at_the_minimum_is_supported_and_denied_as_rarely_as_stated(n, least):
    found = rates(direction(least), effects(n, least))
    assert found["supported"] < beyond_chance(0.05)
    assert found["smaller"] + found["contradicted"] < beyond_chance(0.05)


@SEEDS
def test_no_effect_is_seldom_called_contradicted_and_often_smaller(n):
    """An effect of nought, where six standard deviations were stated: smaller, and not the reverse."""
    found = rates(direction(6.0), effects(n, 0.0))
    assert found["contradicted"] < beyond_chance(0.05) and found["smaller"] > 0.9


@SEEDS
def test_the_smallest_visible_effect_is_seen_four_times_in_five(n):
    visible = paired_t([-1.0, 1.0] + [0.0] * (n - 2))
    effect = visible.visible(SIGNIFICANCE) / (visible.error * math.sqrt(n))
    found = rates(direction(0.0), effects(n, effect))
    assert found["supported"] == pytest.approx(0.8, abs=4 * math.sqrt(0.8 * 0.2 / TRIALS))


def equivalence(margin: float) -> Callable[[Values], Trial]:
    return lambda differences: Trial(paired_t(list(differences)), -margin, margin)


@SEEDS
@pytest.mark.parametrize("side", [-1.0, 1.0])
def test_arms_that_differ_by_the_margin_seldom_pass_for_equivalent_or_for_apart(n, side):
    found = rates(equivalence(2.0), effects(n, 2.0 * side))
    assert found["supported"] < beyond_chance(0.05) and found["contradicted"] < beyond_chance(0.05)


@pytest.mark.parametrize(("n", "margin"), [(3, 4.5), (5, 2.0), (8, 1.3)])
def test_equal_arms_are_found_equivalent_where_the_margin_allows(n, margin):
    """What margin a design can decide: in standard deviations of a seed's difference, for about 80 in 100."""
    assert rates(equivalence(margin), effects(n, 0.0))["supported"] > 0.75
    assert rates(equivalence(margin / 3), effects(n, 0.0))["supported"] < 0.5


def curves(n: int, means: Sequence[float], spread: float = 1.0) -> Values:
    """(TRIALS, n, points)."""
    return np.random.default_rng(n).normal(means, spread, (TRIALS, n, len(means)))


def every_step(loss: float, least: float = 0.0, reduce: Any = slope) -> Callable[[Values], Trial]:
    def trial(points: Values) -> Trial:
        gains = np.diff(points, axis=-1).T
        steps = {str(i): paired_t(list(gain)) for i, gain in enumerate(gains)}
        effect = reduce(points[:, None, :], tuple(range(points.shape[1])))
        return Trial(paired_t(effect.ravel().tolist()), least, steps=steps, loss=loss)

    return trial


def overall(points: Values) -> Trial:
    effect = slope(points[:, None, :], tuple(range(points.shape[1])))
    return Trial(paired_t(effect.ravel().tolist()), 0.0)


@SEEDS
def test_a_flat_curve_seldom_rises(n):
    flat = curves(n, (31.0,) * 5)
    for trial in (overall, every_step(1.0)):
        found = rates(trial, flat)
        assert found["supported"] < beyond_chance(0.05)
        assert found["smaller"] + found["contradicted"] < beyond_chance(0.05)


@SEEDS
@pytest.mark.parametrize("reduce", [slope, rise])
def test_a_u_shape_rises_overall_and_never_at_every_step(n, reduce):
    """Of a step that loses 1.3 the claim of every step allows 1: five in a hundred pass at most."""
    data = curves(n, U_SHAPE, spread=0.3)
    assert rates(overall, data)["supported"] > 0.7
    found = rates(every_step(1.0, reduce=reduce), data)
    assert found["supported"] < beyond_chance(0.05)


@SEEDS
def test_a_step_that_loses_as_much_as_is_allowed_passes_as_rarely_as_stated(n):
    """All else is clear, so that the size is that of the one step."""
    found = rates(every_step(1.0), curves(n, (30.0, 35.0, 34.0, 39.0), spread=0.3))
    assert found["supported"] < beyond_chance(0.05) and found["contradicted"] < beyond_chance(0.05)


@SEEDS
@pytest.mark.parametrize("means", [JUMP_AT_THE_END, JUMP_AT_THE_START], ids=["end", "start"])
def test_one_jump_is_no_loss_at_any_step(n, means):
    """The claim of every step allows one that gives nothing: a jump is not denied; overall it rises."""
    data = curves(n, means, spread=0.3)
    assert rates(overall, data)["supported"] > 0.9
    found = rates(every_step(1.0), data)
    assert found["contradicted"] + found["smaller"] < beyond_chance(0.05)
    assert found["supported"] > (0.9 if n > 3 else 0.2)


@pytest.mark.parametrize(("n", "least_power"), [(3, 0.05), (5, 0.5), (8, 0.95)])
def test_a_steady_rise_is_seen_at_every_step_with_seeds_enough(n, least_power):
    """Steps of 1.5 in noise of 1, with a loss of 1 allowed: three seeds hardly see it."""
    found = rates(every_step(1.0), curves(n, STEADY))
    assert found["supported"] > least_power and found["contradicted"] < 0.02


@pytest.mark.parametrize("n", [5, 8])
def test_a_deep_dip_is_found_to_break_every_step(n):
    found = rates(every_step(1.0), curves(n, (30.0, 34.0, 29.0, 36.0), spread=0.5))
    assert found["contradicted"] > 0.8


@SEEDS
@pytest.mark.parametrize("m", [2, 10])
def test_a_chapter_of_exploratory_claims_is_wrong_as_rarely_as_one(n, m):
    """At their minimum all: one in twenty chapters supports any by chance, and as many deny any."""
    wrong = {"supported": 0, "contradicted": 0}
    for family in effects(n, 0.0, TRIALS * m).reshape(TRIALS, m, n):
        trials = [Trial(paired_t(list(each)), 0.0) for each in family]
        levels = holm_levels([trial.p_value for trial in trials], SIGNIFICANCE)
        answers = {trial.answer(level) for trial, level in zip(trials, levels, strict=True)}
        for kind in wrong:
            wrong[kind] += kind in answers
    assert max(wrong.values()) / TRIALS < beyond_chance(0.05)


def shared_items(n: int, mean: float, trials: int, items: int = 60) -> Values:
    """(trials, n, items): what an item gives all seeds varies ten times as much as what a seed gives it."""
    rng = np.random.default_rng(n)
    of_items = rng.normal(mean, 1.0, (trials, 1, items))
    return np.asarray(of_items + rng.normal(0.0, 0.1, (trials, n, items)))


def over_seeds_and_items(values: Values) -> Trial:
    return Trial(two_way_bootstrap([values], resamples=499), 0.0)


def over_items(values: Values) -> Trial:
    return Trial(paired_bootstrap(values[0], resamples=499), 0.0)


def over_seeds(values: Values) -> Trial:
    return Trial(paired_t(values.mean(axis=1).tolist()), 0.0)


@SEEDS
def test_the_luck_of_items_is_in_the_test_and_not_of_seeds_alone(n):
    """With seeds alone, items that happen to be easy pass for an effect, the more seeds the oftener."""
    trials = 200
    chance, effect = shared_items(n, 0.0, trials), shared_items(n, 0.5, trials)
    for both in (over_seeds_and_items, over_items):
        assert rates(both, chance)["supported"] < beyond_chance(0.05, trials)
        assert rates(both, effect)["supported"] > 0.8
    assert rates(over_seeds, chance)["supported"] > 0.2


@pytest.mark.stress
@SEEDS
@pytest.mark.parametrize("items", [20, 60, 400])
def test_right_and_wrong_answers_are_tested_at_the_level_that_is_stated(n, items):
    """Two models that are equally good on the population, right or wrong on items of their own difficulty."""
    trials, rng = 1500, np.random.default_rng(n * items)
    difficulty = rng.beta(0.5, 0.5, (trials, 1, items))
    a, b = (rng.uniform(size=(trials, n, items)) < difficulty for _ in range(2))
    found = rates(over_seeds_and_items, a.astype(float) - b.astype(float))
    assert found["supported"] < beyond_chance(0.05, trials)
    assert found["contradicted"] < beyond_chance(0.05, trials)
