"""The scores that the papers' tables print: of labels, of rankings, and of written answers."""

from __future__ import annotations

import re
import string
from collections import Counter
from collections.abc import Callable, Sequence
from types import ModuleType

import numpy as np
from numpy.typing import ArrayLike

from gptrepro.tasks.labelled import Metric, Task


def pearson(right: ArrayLike, predicted: ArrayLike) -> float:
    """Pearson's correlation of two lists of numbers, in [-1, 1]; 0 where one of them is constant."""
    from scipy import stats  # slow to import, which a plan need not pay, and of the extra judge

    return 0.0 if _constant(right, predicted) else float(stats.pearsonr(right, predicted).statistic)


def spearman(right: ArrayLike, predicted: ArrayLike) -> float:
    """Spearman's rank correlation, in [-1, 1]; 0 where one list is constant."""
    from scipy import stats

    return 0.0 if _constant(right, predicted) else float(stats.spearmanr(right, predicted).statistic)


def _constant(*lists: ArrayLike) -> bool:
    return any(np.ptp(np.asarray(values)) == 0 for values in lists)


def _sklearn() -> ModuleType:
    from sklearn import metrics  # as slow

    return metrics  # type: ignore[no-any-return]


METRICS: dict[Metric, Callable[[ArrayLike, ArrayLike], float]] = {
    "accuracy": lambda right, predicted: float(_sklearn().accuracy_score(right, predicted)),
    "f1": lambda right, predicted: float(_sklearn().f1_score(right, predicted, zero_division=0.0)),
    "matthews": lambda right, predicted: float(_sklearn().matthews_corrcoef(right, predicted)),
    "pearson": pearson,
    "spearman": spearman,
}
"""Scores by name, each of the right labels and the predicted ones.

F1 is that of label 1 (the paraphrases of MRPC, the duplicates of QQP) and 0 where nothing is found; Matthews'
correlation is that of all labels and 0 for a constant prediction.
"""


def task_scores(task: Task, right: ArrayLike, predicted: ArrayLike) -> dict[str, float]:
    """A task's metrics of predictions, by name.

    Args:
        right, predicted: (N,) numbers of labels each, or scores.
    """
    return {name: METRICS[name](right, predicted) for name in task.metrics}


def auc(right: ArrayLike, scores: ArrayLike) -> float:
    """How often a score of label 1 exceeds one of label 0; 0.5 by chance.

    Args:
        right: (N,) labels, 0 or 1.
        scores: (N,)
    """
    return float(_sklearn().roc_auc_score(right, scores))


def best_threshold(right: ArrayLike, scores: ArrayLike) -> float:
    """The threshold at or above which label 1 is predicted, with the highest Matthews correlation.

    Args:
        right: (N,) labels, 0 or 1.
        scores: (N,)
    """
    fpr, tpr, thresholds = _sklearn().roc_curve(right, scores, drop_intermediate=False)
    share = float(np.asarray(right).mean())  # of label 1
    predicted = share * tpr + (1 - share) * fpr  # share of predictions 1 at each threshold
    # 0 / 0 where all predictions are the same: their correlation is 0
    with np.errstate(divide="ignore", invalid="ignore"):
        matthews = (tpr - fpr) * np.sqrt(share * (1 - share) / (predicted * (1 - predicted)))
    return float(thresholds[np.nanargmax(matthews)])


def answer_words(answer: str) -> list[str]:
    """An answer as it is compared: no case, punctuation or articles (SQuAD, Rajpurkar et al. 2016)."""
    plain = "".join(letter for letter in answer.lower() if letter not in string.punctuation)
    return re.sub(r"\b(a|an|the)\b", " ", plain).split()


def exact_match(answer: str, references: Sequence[str]) -> float:
    """1 where an answer has the words of a reference, else 0."""
    return float(any(answer_words(answer) == answer_words(reference) for reference in references))


def word_f1(answer: str, references: Sequence[str]) -> float:
    """The harmonic mean of precision and recall of an answer's words, against the nearest reference."""

    def against(reference: list[str]) -> float:
        given = answer_words(answer)
        common = sum((Counter(given) & Counter(reference)).values())
        return 2 * common / (len(given) + len(reference)) if common else float(given == reference)

    return max(against(answer_words(reference)) for reference in references)
