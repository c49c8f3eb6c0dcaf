"""Rows for fine-tuning: the same ones for every arm, fewer among more, and scores with what they average."""

from __future__ import annotations

import dataclasses

import pytest

from gptrepro.experiments.gpt1.fine_tuning import FINE_TUNING
from gptrepro.experiments.gpt1.tuned_tasks import Arm, TaskRows
from gptrepro.published import GPT1_FINE_TUNING
from gptrepro.scales import Scale
from gptrepro.tasks.gpt1 import find_task


def test_fewer_rows_are_among_more_and_the_test_rows_are_the_same_for_all() -> None:
    config = FINE_TUNING.config(Scale.SMOKE)
    rows, again = (TaskRows(config, find_task("play-word-order")) for _ in range(2))
    assert set(rows.train(16, seed=1)) < set(rows.train(64, seed=1))
    assert rows.train(16, seed=1) != rows.train(16, seed=2)
    assert rows.test == again.test
    assert len(rows.test) == config.test_rows
    assert len(rows.train(10**9, seed=1)) == len(rows.data.train)


def test_scores_are_the_first_metric_in_hundredths_and_an_accuracy_comes_with_each_outcome() -> None:
    task = find_task("play-word-order")
    rows = TaskRows(FINE_TUNING.config(Scale.SMOKE), task)
    labels = [example.label for example in rows.test]
    wrong = [1 - label for label in labels]
    assert rows.score(rows.test, labels).score == pytest.approx(100)
    assert rows.score(rows.test, wrong).score == pytest.approx(-100)
    assert rows.score(rows.test, labels).right is None  # Matthews' correlation is no mean over examples
    rows.task = dataclasses.replace(task, metrics=("accuracy",))
    assert rows.score(rows.test, [*labels[:9], *wrong[9:]]).right == [True] * 9 + [False] * (len(labels) - 9)


def test_updates_are_the_same_on_any_number_of_rows_or_three_epochs() -> None:
    arm = Arm(layers=None, lm_weight=0.5, peak_learning_rate=1e-3, updates=300)
    assert {arm.updates_on(rows, 16) for rows in (100, 500, 2000)} == {300}
    paper = arm.model_copy(update={"updates": None})
    assert paper.updates_on(3200, 32) == 300 == GPT1_FINE_TUNING.settings(3200, 512).steps
    config = FINE_TUNING.config(Scale.SMOKE)
    for rows in (3, 16, 64, 100):
        assert config.recipe(arm, rows).settings(rows, 32).steps == 300
