"""GPT-1: margins over earlier systems (Tables 2 to 4) and the ablations (Table 5)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import scipy

from gptrepro.claims.arithmetic.registry import Rows, Values, mean, register, standard_error


def _gain(result: Values) -> float:
    return float(round(result["ours"] - result["previous_best"], 1))


@register
def margins(results: Mapping[str, Values]) -> dict[str, float]:
    """Points over the best earlier system, by data set."""
    return {name: _gain(result) for name, result in results.items()}


@register
def datasets_improved(results: Mapping[str, Values]) -> dict[str, Any]:
    """On how many data sets every score beats the best earlier one.

    A data set with two test sets has two labels, such as ``MNLI-m`` and ``MNLI-mm``: they count once.
    """
    by_dataset: dict[str, list[float]] = {}
    for name, result in results.items():
        by_dataset.setdefault(name.removesuffix("-mm").removesuffix("-m"), []).append(_gain(result))
    missed = sorted(name for name, gains in by_dataset.items() if min(gains) <= 0)
    return {"improved": len(by_dataset) - len(missed), "of": len(by_dataset), "not_improved": missed}


def _tasks(row: Values) -> dict[str, float]:
    return {name: score for name, score in row.items() if name != "Avg"}


@register
def ablations(full: Values, no_pretraining: Values, no_auxiliary: Values, lstm: Values) -> dict[str, Any]:
    """What Table 5 loses by each ablation: by the printed averages, and task by task."""
    tasks = _tasks(full)
    return {
        "no_pretraining": round(full["Avg"] - no_pretraining["Avg"], 1),
        "tasks_worse_without_pretraining": sum(no_pretraining[task] < tasks[task] for task in tasks),
        "lstm": round(full["Avg"] - lstm["Avg"], 1),
        "lstm_wins_on": sorted(task for task in tasks if lstm[task] > tasks[task]),
        "no_auxiliary": round(full["Avg"] - no_auxiliary["Avg"], 1),
        "auxiliary_helps_on": sorted(task for task in tasks if tasks[task] > no_auxiliary[task]),
    }


@register
def gain_by_size(with_it: Values, without: Values, rows: Values, large: int) -> dict[str, Any]:
    """Which tasks break the rule that data sets of ``large`` rows and more gain by the auxiliary objective.

    Args:
        with_it: scores by task, with the objective.
        without: scores by task, without it.
        rows: training rows by task.
        large: the least rows of a large data set.
    """
    gains = {task: score - without[task] for task, score in _tasks(with_it).items()}
    sizes = [rows[task] for task in gains]
    return {
        "large_without_gain": sorted(task for task in gains if rows[task] >= large and gains[task] <= 0),
        "small_with_gain": sorted(task for task in gains if rows[task] < large and gains[task] > 0),
        "rank_correlation": round(float(scipy.stats.spearmanr(sizes, list(gains.values())).statistic), 2),
    }


@register
def repeated(result: Values, again: Values, overlap: Rows, benchmark: str) -> dict[str, Any]:
    """A paper's score beside the median of repeated runs, in standard errors over the benchmark's items.

    Args:
        result: the paper's score.
        again: the median of the runs.
        overlap: a table that gives the items of each benchmark (GPT-3, Table C.1).
        benchmark: its name there.
    """
    items = next(row["items"] for row in overlap if row["benchmark"] == benchmark)
    gap = abs(result["ours"] - again["median_of_10"]) / standard_error(result["ours"], items)
    return {"within_two_standard_errors": gap <= 2, "standard_errors": round(gap, 1)}


@register
def both_genres(matched: Values, mismatched: Values) -> float:
    """The mean of the two MNLI test sets, which Table 5 prints as one."""
    return mean([matched["ours"], mismatched["ours"]])
