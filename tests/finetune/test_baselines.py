"""Baselines find what words give away, and no more."""

from __future__ import annotations

import pytest

from gptrepro.evaluate.metrics import METRICS, task_scores
from gptrepro.finetune.baselines import bag_of_words, majority
from gptrepro.tasks.labelled import Example
from tests.finetune.toy import TOY, marked_examples


def right(examples: list[Example]) -> list[int | float]:
    return [example.label for example in examples]


def test_the_majority_is_the_most_common_label_or_the_mean_score() -> None:
    examples = [Example(("a", "b"), label) for label in (2, 1, 1, 0)]
    assert majority(TOY["nli"], examples, 3) == [1, 1, 1]
    assert majority(TOY["score"], examples, 2) == [1.0, 1.0]
    tied = [Example(("a",), label) for label in (1, 0)]
    assert majority(TOY["text"], tied, 1) == majority(TOY["text"], tied[::-1], 1) == [0]


@pytest.mark.parametrize("name", ["text", "alike", "choice"])
def test_a_word_that_gives_the_label_away_is_found(name: str) -> None:
    task = TOY[name]
    train, dev, test = (marked_examples(task.kind, 150, seed) for seed in range(3))
    predicted = bag_of_words(task, train, dev, test)
    assert METRICS["accuracy"](right(test), predicted) > 0.95


def test_the_hypothesis_alone_does_not_see_the_premise() -> None:
    task = TOY["nli"]
    train, dev, test = (marked_examples("entailment", 150, seed) for seed in range(3))
    assert METRICS["accuracy"](right(test), bag_of_words(task, train, dev, test)) > 0.95
    alone = bag_of_words(task, train, dev, test, second_only=True)
    assert METRICS["accuracy"](right(test), alone) < 0.7
    changed = [Example(("w1 w7", one.texts[1]), one.label) for one in test]
    assert bag_of_words(task, train, dev, changed, second_only=True) == alone


def test_shared_words_speak_for_a_high_score_in_either_order() -> None:
    def pairs(n: int, start: int) -> list[Example]:
        return [
            Example((f"a{i} b{i} c{i}", f"a{i} b{i} c{i}" if i % 2 else f"x{i} y{i} z{i}"), 5.0 * (i % 2))
            for i in range(start, start + n)
        ]

    task, train, dev, test = TOY["score"], pairs(60, 0), pairs(20, 100), pairs(20, 200)
    predicted = bag_of_words(task, train, dev, test)
    assert task_scores(task, right(test), predicted)["pearson"] > 0.9
    swapped = [Example(one.texts[::-1], one.label) for one in test]
    assert bag_of_words(task, train, dev, swapped) == pytest.approx(predicted)
