"""What guessing scores: its luck is that of simulated guesses, and its sets have the sizes of the data."""

from __future__ import annotations

import numpy as np
import pytest

from gptrepro.evaluate.metrics import METRICS, auc
from gptrepro.experiments.base import Scored
from gptrepro.experiments.gpt1.guessing import TEST_ITEMS, error, of_constant_answer, of_heuristic
from gptrepro.tasks.gpt1 import find_task
from gptrepro.tasks.labelled import load_task

N = 150


@pytest.mark.parametrize("metric", ["accuracy", "f1", "matthews", "pearson", "auc"])
def test_the_luck_of_a_guess_is_that_of_simulated_ones(metric):
    rng = np.random.default_rng(1)
    scores = []
    for _ in range(300):
        right, guessed = rng.uniform(size=N) < 0.65, rng.normal(size=N)
        if metric == "auc":
            scores.append(auc(right, guessed))
        elif metric == "pearson":
            scores.append(METRICS["pearson"](right + rng.normal(size=N), guessed))
        else:
            constant = np.ones(N) if metric in ("accuracy", "f1") else guessed < 0
            scores.append(METRICS[metric](right, constant))
    expected = error(metric, float(np.mean(scores)), N, share=0.65)
    assert np.std(scores) == pytest.approx(expected, rel=0.15)


def scored(score: str, task: str, **config: int) -> Scored:
    rows = [{"value": 80.0, "score": "accuracy", "task": task, "arm": "majority", "rows": 9}]
    return Scored(score, task, config, rows, items=None)


def test_a_constant_answer_is_taken_from_the_record_and_its_luck_from_the_rows_that_were_scored():
    few, all_ = (of_constant_answer(scored("accuracy", "sick", test_rows=n)) for n in (400, 10_000))
    assert (few.value, few.error) == (80.0, pytest.approx(2.0))
    assert all_.error == pytest.approx(40 / TEST_ITEMS["sick"] ** 0.5)


def test_a_heuristic_has_less_luck_the_more_items_it_is_asked():
    few, all_ = (of_heuristic(scored("accuracy", "referents", items=n)) for n in (100, 5000))
    assert (few.value, few.error) == (0.5, 0.05) and all_.error == pytest.approx(0.5 / 273**0.5)
    relative = of_heuristic(scored("relative", "referents", items=100))
    assert (relative.value, relative.error) == (0.0, 0.1)
    assert of_heuristic(scored("accuracy_corrected", "continuation", items=100)) == few


@pytest.mark.mirror
@pytest.mark.parametrize("task", ["winograd", "rte", "mrpc"])
def test_the_sizes_are_those_of_the_data(task):
    assert TEST_ITEMS[task] == len(load_task(find_task(task)).test)
