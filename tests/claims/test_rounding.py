"""What printed digits leave open: of a number, and of what is computed from several."""

from __future__ import annotations

import pytest

from gptrepro.claims.rounding import half_unit, tolerance


@pytest.mark.parametrize(
    ("value", "half"),
    [(69.1, 0.05), (75.0, 0.05), (8.63, 0.005), (60, 0.5), (22.9e9, 0.05e9), (0, 0.0), (-2.5, 0.05)],
)
def test_half_a_unit_of_the_last_digit(value, half):
    assert half_unit(value) == pytest.approx(half)


def test_a_mean_is_as_uncertain_as_its_scores():
    def mean(scores):
        return sum(scores) / len(scores)

    scores = [70.1, 60.2, 50.3]
    assert tolerance(60.2, mean(scores), mean, [scores]) == pytest.approx(0.05 + 0.05)


def test_each_part_has_its_own():
    def both(row):
        return {
            "difference": row["a"] - row["b"],
            "share_pct": 100 * row["a"] / row["b"],
            "larger": row["a"] > row["b"],
        }

    row = {"a": 20.5, "b": 41}
    found = tolerance({"difference": 0, "share_pct": 50}, both(row), both, [row])
    assert found["difference"] == pytest.approx(0.05 + 0.5)
    assert found["share_pct"] == pytest.approx(0.5 + 100 * 0.05 / 41 + 50 - 100 * 20.5 / 41.5)
    assert found["larger"] == 0
