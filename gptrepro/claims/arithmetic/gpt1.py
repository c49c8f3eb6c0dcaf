"""GPT-1: margins over earlier systems (Tables 2 to 4) and the ablations (Table 5)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gptrepro.claims.arithmetic.registry import Values, mean, register


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
def row_averages(rows: Mapping[str, Values]) -> dict[str, float]:
    """The mean of each row of Table 5 over its eight tasks."""
    return {name: round(mean(list(_tasks(row).values())), 2) for name, row in rows.items()}


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
def both_genres(matched: Values, mismatched: Values) -> float:
    """The mean of the two MNLI test sets, which Table 5 prints as one."""
    return mean([matched["ours"], mismatched["ours"]])
