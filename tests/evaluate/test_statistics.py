"""The tests behind the verdicts hold their error rates, on simulated data where the truth is known."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from gptrepro.evaluate.statistics import (
    holm,
    holm_levels,
    paired_bootstrap,
    paired_t,
    two_way_bootstrap,
)

SIMULATIONS = 1000


def samples(n: int, mean: float, simulations: int = SIMULATIONS) -> np.ndarray:
    return np.random.default_rng(n).normal(mean, 1.0, (simulations, n))


def tolerance(rate: float, simulations: int = SIMULATIONS) -> float:
    """Four standard errors of a simulated rate."""
    return float(4 * np.sqrt(rate * (1 - rate) / simulations))


@pytest.mark.parametrize("n", [3, 5, 8])
@pytest.mark.parametrize("alpha", [0.05, 0.01])
def test_null_effects_are_found_as_often_as_stated_and_the_interval_says_the_same(
    n: int, alpha: float
) -> None:
    found = {"above": 0, "below": 0}
    for differences in samples(n, 0.0):
        result = paired_t(differences.tolist())
        low, high = result.interval(alpha)
        assert (result.above(0.0) < alpha) == (low > 0) and (result.below(0.0) < alpha) == (high < 0)
        found["above"] += low > 0
        found["below"] += high < 0
    assert found["above"] / SIMULATIONS == pytest.approx(alpha, abs=tolerance(alpha))
    assert found["below"] / SIMULATIONS == pytest.approx(alpha, abs=tolerance(alpha))


@pytest.mark.parametrize("n", [3, 5, 8])
@pytest.mark.parametrize("alpha", [0.05, 0.01])
def test_an_effect_of_the_visible_size_is_found_four_times_in_five(n: int, alpha: float) -> None:
    unit = paired_t([-1.0, 1.0] + [0.0] * (n - 2))
    effect = unit.visible(alpha) / unit.error / np.sqrt(n)  # for a standard deviation of 1
    data = samples(n, effect, 20_000)
    t = data.mean(1) / (data.std(1, ddof=1) / np.sqrt(n))
    power = float((t > stats.t.ppf(1 - alpha, n - 1)).mean())
    assert power == pytest.approx(0.8, abs=tolerance(0.8, 20_000))


def test_the_test_is_that_of_the_library() -> None:
    differences = [1.1, 0.9, 1.0, 1.2, 0.8]
    found = paired_t(differences)
    for null in (0.0, 0.95, 1.2):
        for name, alternative in (("above", "greater"), ("below", "less")):
            expected = stats.ttest_1samp(differences, null, alternative=alternative).pvalue
            assert getattr(found, name)(null) == pytest.approx(expected)
    assert (found.low, found.high) == pytest.approx(stats.ttest_1samp(differences, 0.0).confidence_interval())


@given(st.lists(st.floats(-10, 10), min_size=2, max_size=12), st.floats(0.5, 2), st.floats(-5, 5))
def test_the_interval_moves_and_stretches_with_the_data(
    values: list[float], scale: float, shift: float
) -> None:
    one = paired_t(values)
    other = paired_t([scale * value + shift for value in values])
    assert one.low <= one.mean <= one.high
    assert other.low == pytest.approx(scale * one.low + shift, abs=1e-6)
    assert other.high == pytest.approx(scale * one.high + shift, abs=1e-6)
    assert other.visible(0.05) == pytest.approx(scale * one.visible(0.05), abs=1e-6)


def test_the_bootstrap_interval_covers_the_truth_as_often_as_it_says() -> None:
    skewed = np.random.default_rng(4).exponential(1.0, (300, 60))
    covered = 0
    for seed, differences in enumerate(skewed):
        result = paired_bootstrap(differences, resamples=400, seed=seed)
        covered += result.low <= 1.0 <= result.high
    assert covered / 300 == pytest.approx(0.94, abs=tolerance(0.94, 300))


def test_the_bootstrap_interval_is_that_of_the_library() -> None:
    """BCa, of one task and of several, on items that are skewed."""
    rng = np.random.default_rng(7)
    tasks = [rng.exponential(1.0, 40), rng.exponential(2.0, 60)]
    for chosen in (tasks[:1], tasks):
        found = paired_bootstrap(*chosen)
        of_library = stats.bootstrap(
            chosen,
            lambda *x, axis: sum(each.mean(axis=axis) for each in x) / len(x),
            confidence_level=0.9,
            vectorized=True,
            n_resamples=9_999,
            rng=np.random.default_rng(1),
        ).confidence_interval
        assert found.interval(0.05) == pytest.approx(tuple(of_library), rel=0.03)


@pytest.mark.parametrize("alpha", [0.05, 0.005])
def test_the_bootstrap_p_value_is_the_level_at_which_the_interval_ends(alpha: float) -> None:
    found = paired_bootstrap(np.random.default_rng(7).exponential(1.0, 40))
    low, high = found.interval(alpha)
    assert found.above(low) == pytest.approx(alpha, rel=0.1)
    assert found.below(high) == pytest.approx(alpha, rel=0.1)


def test_the_bootstrap_agrees_with_student_on_many_items_and_repeats_itself() -> None:
    differences = samples(2000, 0.1, 1)[0]
    bootstrap, student = paired_bootstrap(differences), paired_t(differences.tolist())
    assert bootstrap.mean == student.mean
    assert (bootstrap.low, bootstrap.high) == pytest.approx((student.low, student.high), abs=0.003)
    assert bootstrap.visible(0.05) == pytest.approx(student.visible(0.05), rel=0.01)
    assert paired_bootstrap(differences).interval(0.01) == bootstrap.interval(0.01)


@pytest.mark.parametrize("test", [paired_t, paired_bootstrap])
def test_equal_differences_give_a_point_and_a_single_one_nothing(test) -> None:  # type: ignore[no-untyped-def]
    point = test([0.5, 0.5, 0.5])
    assert (point.low, point.mean, point.high, point.visible(0.05)) == (0.5, 0.5, 0.5, 0.0)
    assert (point.above(0.4), point.below(0.4), point.above(0.5)) == (0.0, 1.0, 1.0)
    with pytest.raises(ValueError, match="at least two"):
        test([0.5])


def test_holm_on_the_textbook_example() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])


@given(st.lists(st.floats(0, 1), min_size=1, max_size=8))
def test_holm_never_helps_a_p_value_and_keeps_their_order(p_values: list[float]) -> None:
    adjusted = holm(p_values)
    assert all(p <= a <= 1 for p, a in zip(p_values, adjusted, strict=True))
    order = np.argsort(p_values)
    assert np.all(np.diff(np.asarray(adjusted)[order]) >= 0)
    assert max(adjusted) >= max(p_values)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=8))
def test_the_level_that_decides_says_the_same_as_the_adjusted_p_value(p_values: list[float]) -> None:
    for p, adjusted, level in zip(p_values, holm(p_values), holm_levels(p_values, 0.05), strict=True):
        assert (p < level) == (adjusted < 0.05) and 0.05 / len(p_values) <= level <= 0.05


def test_holm_holds_the_familywise_error_rate() -> None:
    rng = np.random.default_rng(2)
    alarms = sum(min(holm(rng.uniform(size=6).tolist())) < 0.05 for _ in range(4000))
    assert alarms / 4000 == pytest.approx(0.05, abs=tolerance(0.05, 4000))


def test_several_tasks_weigh_the_same_and_are_resampled_apart() -> None:
    rng = np.random.default_rng(5)
    few, many = rng.normal(0, 1, 100), rng.normal(3, 1, 900)
    found = paired_bootstrap(few, many)
    assert found.mean == pytest.approx((few.mean() + many.mean()) / 2) and found.n == 1000
    error = np.sqrt(few.var(ddof=1) / 100 + many.var(ddof=1) / 900) / 2
    assert (found.high - found.low) / 2 == pytest.approx(1.96 * error, rel=0.05)


def test_the_bootstrap_p_value_is_that_of_student_on_many_items() -> None:
    differences = samples(2000, 0.03, 1)[0]
    for null in (0.0, 0.1):
        expected = paired_t(differences.tolist()).above(null)
        assert paired_bootstrap(differences).above(null) == pytest.approx(expected, abs=0.02)


def seeds_by_items(trial: int, between: float, items: float, noise: float) -> np.ndarray:
    """(3, 100) scores around 0: effects of the seed, of the item for all seeds, and of both at once."""
    rng = np.random.default_rng(trial)
    return np.asarray(
        rng.normal(0, between, (3, 1)) + rng.normal(0, items, (1, 100)) + rng.normal(0, noise, (3, 100))
    )


@pytest.mark.parametrize(
    ("effects", "seeds_alone_fail"),
    [((0.02, 1.0, 0.3), True), ((0.1, 1.0, 0.3), True), ((0.2, 0.0, 1.0), False), ((0.0, 0.0, 1.0), False)],
    ids=["items", "seeds and items", "seeds", "noise"],
)
def test_two_ways_cover_the_truth_where_seeds_alone_miss_the_items(effects, seeds_alone_fail) -> None:  # type: ignore[no-untyped-def]
    """About 95 in 100 by four standard errors, and up to all of them where both ways are wide by accident."""
    both = alone = 0
    for trial in range(SIMULATIONS // 4):
        scores = seeds_by_items(trial, *effects)
        found, of_seeds = (
            two_way_bootstrap([scores], resamples=999, seed=trial),
            paired_t(scores.mean(axis=1).tolist()),
        )
        both += found.low <= 0 <= found.high
        alone += of_seeds.low <= 0 <= of_seeds.high
    error = tolerance(0.95, SIMULATIONS // 4)
    assert 0.95 - error < both / (SIMULATIONS // 4)
    assert (alone / (SIMULATIONS // 4) < 0.95 - error) == seeds_alone_fail


def test_two_ways_become_one_where_the_other_does_not_vary() -> None:
    of_seeds = np.array([1.0, 1.1, 0.8])
    both, student = two_way_bootstrap([np.tile(of_seeds[:, None], 50)]), paired_t(of_seeds.tolist())
    assert (both.low, both.high) == pytest.approx((student.low, student.high), abs=0.05)
    of_items = samples(2000, 0.03, 1)
    both, items = two_way_bootstrap([np.tile(of_items, (3, 1))]), paired_bootstrap(of_items[0])
    assert (both.low, both.high) == pytest.approx((items.low, items.high), abs=0.003)
    assert both.above(0.0) == pytest.approx(items.above(0.0), abs=0.02)
    assert both.visible(0.05) == pytest.approx(items.visible(0.05), rel=0.02)


def test_two_ways_repeat_themselves_and_weigh_tasks_the_same() -> None:
    tasks = [seeds_by_items(0, 0.1, 1, 1), 5 + seeds_by_items(1, 0.1, 1, 1)[:, :40]]
    found = two_way_bootstrap(tasks)
    assert found.interval(0.01) == two_way_bootstrap(tasks).interval(0.01)
    assert found.mean == pytest.approx((tasks[0].mean() + tasks[1].mean()) / 2)
    with pytest.raises(ValueError, match="the same for all tasks"):
        two_way_bootstrap([tasks[0], tasks[1][:2]])
