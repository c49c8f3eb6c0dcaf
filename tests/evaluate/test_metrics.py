"""The metrics of the tables, against values worked out by hand."""

from __future__ import annotations

import math
import warnings

import pytest

from gptrepro.evaluate.metrics import METRICS, task_scores
from gptrepro.tasks.gpt1 import find_task

RIGHT, PREDICTED = [1, 1, 1, 0, 0, 0, 0, 1], [1, 1, 0, 0, 0, 1, 0, 1]
"""3 true and 1 false positives, 3 true and 1 false negatives."""


def test_values_by_hand() -> None:
    assert METRICS["accuracy"](RIGHT, PREDICTED) == 0.75
    assert METRICS["f1"](RIGHT, PREDICTED) == 0.75
    assert METRICS["matthews"](RIGHT, PREDICTED) == pytest.approx((3 * 3 - 1 * 1) / math.sqrt(4**4))
    assert METRICS["pearson"]([1, 2, 3], [2, 4, 7]) == pytest.approx(5 / math.sqrt(2 * 38 / 3))
    assert METRICS["spearman"]([1, 2, 3], [2, 4, 700]) == pytest.approx(1.0)


def test_f1_is_that_of_label_1() -> None:
    assert METRICS["f1"]([1, 0, 0], [1, 1, 0]) == pytest.approx(2 / 3)
    assert METRICS["f1"]([0, 1, 1], [0, 0, 1]) == pytest.approx(2 / 3)
    assert METRICS["f1"]([0, 1, 1, 1], [0, 0, 0, 1]) == pytest.approx(0.5)


@pytest.mark.parametrize("name", ["f1", "matthews", "pearson", "spearman"])
def test_a_constant_prediction_scores_zero_without_a_warning(name: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert METRICS[name]([0, 1, 1, 0], [0, 0, 0, 0]) == 0.0  # type: ignore[index]


def test_a_task_names_its_metrics() -> None:
    assert list(task_scores(find_task("mrpc"), RIGHT, PREDICTED)) == ["f1", "accuracy"]
    assert list(task_scores(find_task("stsb"), [1.0, 2.0], [1.0, 3.0])) == ["pearson", "spearman"]
