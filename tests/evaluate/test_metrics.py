"""The metrics of the tables, against values worked out by hand."""

from __future__ import annotations

import math
import warnings

import numpy as np
import pytest
from sklearn.metrics import matthews_corrcoef, roc_auc_score

from gptrepro.evaluate.metrics import METRICS, auc, best_threshold, exact_match, task_scores, word_f1
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


def test_the_area_under_the_curve_is_that_of_scikit_learn() -> None:
    random = np.random.default_rng(0)
    right = random.integers(0, 2, 200)
    scores = random.normal(size=200) + right
    assert auc(right, scores) == pytest.approx(roc_auc_score(right, scores))
    assert auc(right, -scores) == pytest.approx(1 - auc(right, scores))


@pytest.mark.parametrize("seed", range(5))
def test_no_other_threshold_has_a_higher_correlation(seed: int) -> None:
    random = np.random.default_rng(seed)
    right = random.integers(0, 2, 80)
    scores = np.round(random.normal(size=80) + right, 1)  # with ties
    found = matthews_corrcoef(right, scores >= best_threshold(right, scores))
    assert found == pytest.approx(max(matthews_corrcoef(right, scores >= t) for t in np.unique(scores)))


def test_written_answers_are_compared_without_case_punctuation_and_articles() -> None:
    assert exact_match(" The Nile.", ["Amazon", "nile"]) == 1.0
    assert exact_match("Nile river", ["nile"]) == 0.0
    assert word_f1("the river Nile", ["Amazon", "Nile"]) == pytest.approx(2 / 3)
    assert word_f1("two two", ["two of them"]) == pytest.approx(2 / 5)
    assert word_f1("", ["a"]) == 1.0 and word_f1("x", ["y"]) == 0.0
