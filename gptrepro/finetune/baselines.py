"""What fine-tuning is compared with: the most common label, and counting words.

A bag of words that sees the hypothesis alone tells how much of an entailment task gives itself away
(Gururangan et al. 2018, Poliak et al. 2018).
"""

from __future__ import annotations

import re
import statistics
from collections.abc import Sequence
from typing import Any

from gptrepro.evaluate.metrics import task_scores
from gptrepro.tasks.labelled import Example, Task

STRENGTHS = (0.01, 0.1, 1.0, 10.0)
"""Inverse strengths of the regularisation that the dev examples choose from."""

_WORD = re.compile(r"\w+")


def majority(task: Task, train: Sequence[Example], n: int) -> list[int | float]:
    """The most common training label for each of ``n`` examples; the mean where a score is predicted."""
    labels = [example.label for example in train]
    constant = statistics.fmean(labels) if task.score else min(statistics.multimode(labels))
    return [constant] * n


def bag_of_words(
    task: Task,
    train: Sequence[Example],
    dev: Sequence[Example],
    test: Sequence[Example],
    *,
    second_only: bool = False,
) -> list[int | float]:
    """What a linear model of the words that occur predicts for the test examples; see `linear_model`.

    Args:
        task: what to predict.
        train, dev, test: its examples.
        second_only: see nothing but the second text: the hypothesis, or the answer.
    """
    from sklearn.feature_extraction import DictVectorizer  # slow to import

    words = DictVectorizer()
    features = [_rows(task, examples, second_only) for examples in (train, dev, test)]
    words.fit(features[0])
    return linear_model(task, train, dev, *(words.transform(rows) for rows in features))


def linear_model(
    task: Task, train: Sequence[Example], dev: Sequence[Example], *features: Any
) -> list[int | float]:
    """What a linear model predicts for the test examples.

    Logistic regression for labels, ridge regression for scores; for a multiple choice, logistic regression of
    whether an answer is the right one, and the most likely answer is taken. How strongly it is regularised is
    what serves the first metric on ``dev`` best, out of `STRENGTHS`, the stronger of equals.

    Args:
        task: what to predict.
        train, dev: examples that are learned from and that choose.
        features: (rows, features) each, dense or sparse, of the train, the dev and the test examples: a row
            an example, or a row an answer.
    """
    from sklearn.linear_model import LogisticRegression, Ridge

    for_train, for_dev, for_test = features
    targets = [example.label for example in train]
    if task.kind == "multiple choice":
        targets = [int(i == example.label) for example in train for i in range(len(example.answers))]

    def fitted(strength: float) -> Any:
        linear = Ridge(1 / strength) if task.score else LogisticRegression(C=strength, max_iter=1000)
        return linear.fit(for_train, targets)

    def on_dev(model: Any) -> float:
        right = [example.label for example in dev]
        return task_scores(task, right, _predicted(task, model, for_dev))[task.metrics[0]]

    return _predicted(task, max(map(fitted, STRENGTHS), key=on_dev), for_test)


def _predicted(task: Task, model: Any, features: Any) -> list[int | float]:
    if task.kind == "multiple choice":
        likely = model.decision_function(features).reshape(-1, len(task.labels))
        return [int(i) for i in likely.argmax(-1)]
    return [value.item() for value in model.predict(features)]


def _rows(task: Task, examples: Sequence[Example], second_only: bool) -> list[dict[str, float]]:
    """The words of each example, or of each of its answers."""
    read = [
        texts
        for example in examples
        for texts in [(*example.texts, answer) for answer in example.answers] or [example.texts]
    ]
    return [_features(task, texts, second_only) for texts in read]


def _features(task: Task, texts: tuple[str, ...], second_only: bool) -> dict[str, float]:
    """The words of each text, and the share of words that two texts have in common."""
    words = [set(_WORD.findall(text.lower())) for text in texts]
    if second_only:
        return dict.fromkeys(words[-1], 1.0)
    if len(words) == 1:
        return dict.fromkeys(words[0], 1.0)
    first, second = words
    both = first & second
    if task.kind == "similarity":  # which text comes first means nothing
        named = {"both": both, "one": first ^ second}
    else:
        named = {"first": first, "second": second}
    features = {f"{name} {word}": 1.0 for name, some in named.items() for word in some}
    return features | {"overlap": len(both) / max(1, len(first | second))}
