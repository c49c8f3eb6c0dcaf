"""The scores that the tables of fine-tuning print: accuracy, F1, and three correlations."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats
from sklearn import metrics

from gptrepro.tasks.labelled import Metric, Task


def pearson(right: ArrayLike, predicted: ArrayLike) -> float:
    """Pearson's correlation of two lists of numbers, in [-1, 1]; 0 where one of them is constant."""
    return 0.0 if _constant(right, predicted) else float(stats.pearsonr(right, predicted).statistic)


def spearman(right: ArrayLike, predicted: ArrayLike) -> float:
    """Spearman's rank correlation, in [-1, 1]; 0 where one list is constant."""
    return 0.0 if _constant(right, predicted) else float(stats.spearmanr(right, predicted).statistic)


def _constant(*lists: ArrayLike) -> bool:
    return any(np.ptp(np.asarray(values)) == 0 for values in lists)


METRICS: dict[Metric, Callable[[ArrayLike, ArrayLike], float]] = {
    "accuracy": lambda right, predicted: float(metrics.accuracy_score(right, predicted)),
    "f1": lambda right, predicted: float(metrics.f1_score(right, predicted, zero_division=0.0)),
    "matthews": lambda right, predicted: float(metrics.matthews_corrcoef(right, predicted)),
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
