"""GPT-3's scores: Table H.1 (every benchmark, size, setting) beside the text's tables and sentences."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from gptrepro.claims.arithmetic.registry import Rows, Values, mean, register

SIZES = ("small", "medium", "large", "xl", "2.7b", "6.7b", "13b", "175b")
SETTINGS = ("zero", "one", "few")

SUPERGLUE = (
    ("BoolQ",), ("CB", "CB f1"), ("COPA",), ("RTE",), ("WiC",), ("WSC",), ("MultiRC", "MultiRC f1a"),
    ("ReCoRD", "ReCoRD f1"),
)  # fmt: skip
"""The eight tasks; a task with two scores counts with their mean."""

ARITHMETIC = ("2D+", "2D-", "3D+", "3D-", "4D+", "4D-", "5D+", "5D-", "2Dx", "1DC")


def _score(table: Rows, benchmark: str, setting: str, size: str) -> float:
    for row in table:
        if row["benchmark"] == benchmark and row["setting"] == setting:
            return float(row[size])
    raise KeyError(f"Table H.1 has no {benchmark}, {setting}-shot")


@register
def scores(table: Rows, cells: Mapping[str, list[str]]) -> dict[str, float]:
    """Some cells of Table H.1, each as benchmark, setting and size."""
    return {name: _score(table, *place) for name, place in cells.items()}


@register
def by_shots(table: Rows, benchmark: str, sizes: Mapping[str, str]) -> dict[str, list[float]]:
    """Zero-, one- and few-shot scores of some sizes on one benchmark."""
    return {name: [_score(table, benchmark, s, size) for s in SETTINGS] for name, size in sizes.items()}


@register
def gains(table: Rows, benchmark: str, over: float, size: str = "175b") -> dict[str, float]:
    """A few-shot score, and how far it is above an earlier best."""
    few = _score(table, benchmark, "few", size)
    return {"few": few, "gain": round(few - over, 1)}


@register
def shots(table: Rows) -> dict[str, Any]:
    """The column K: its range, and how many benchmarks lie within 10 to 100."""
    ks = {row["benchmark"]: row["k"] for row in table}
    within = sum(10 <= k <= 100 for k in ks.values())
    return {
        "mostly_10_to_100": within > 0.9 * len(ks),
        "lowest": min(ks.values()),
        "highest": max(ks.values()),
        "within_10_to_100": within,
        "benchmarks": len(ks),
    }


@register
def settings_reported(table: Rows) -> list[str]:
    """The settings that every benchmark of Table H.1 is reported in."""
    benchmarks = {row["benchmark"] for row in table}
    return [s for s in SETTINGS if benchmarks == {row["benchmark"] for row in table if row["setting"] == s}]


def _superglue(table: Rows, setting: str, size: str) -> float:
    return mean([mean([_score(table, part, setting, size) for part in task]) for task in SUPERGLUE])


@register
def superglue_averages(table: Rows) -> dict[str, float]:
    """Table H.1's SuperGLUE averages beside its eight tasks' means: how many, and the largest deviation."""
    gaps = [
        abs(_superglue(table, setting, size) - _score(table, "SuperGLUE", setting, size))
        for setting in SETTINGS
        for size in SIZES
    ]
    return {"averages": len(gaps), "largest_deviation": round(max(gaps), 2)}


@register
def superglue_test(columns: Mapping[str, Values]) -> dict[str, Any]:
    """Table 3.8: the eight tasks' average, those won against BERT-Large, and those within 5% of the best."""
    lead = [task[0] for task in SUPERGLUE]
    return {
        "average": round(mean([mean([columns[part]["test"] for part in task]) for task in SUPERGLUE]), 2),
        "beats": sorted(name for name in lead if columns[name]["test"] > columns[name]["BERT-Large"]),
        "of": len(lead),
        "near_best": sorted(name for name in lead if columns[name]["test"] > 0.95 * columns[name]["SOTA"]),
    }


@register
def examples_in_all(table: Rows) -> int:
    """Examples over the eight SuperGLUE tasks at the K of Table H.1."""
    return int(sum(next(row["k"] for row in table if row["benchmark"] == task[0]) for task in SUPERGLUE))


def _accuracy_means(table: Rows) -> dict[str, dict[str, float]]:
    """Mean over all accuracy benchmarks, by size and setting (SQuAD's exact match is one)."""
    rows = [row for row in table if row["metric"] in ("acc", "em")]
    return {
        size: {s: mean([row[size] for row in rows if row["setting"] == s]) for s in SETTINGS}
        for size in SIZES
    }


@register
def accuracy_benchmarks(table: Rows) -> int:
    """How many benchmarks of Table H.1 are scored by accuracy or exact match."""
    return len({row["benchmark"] for row in table if row["metric"] in ("acc", "em")})


@register
def accuracy_means(table: Rows, sizes: Mapping[str, str]) -> dict[str, list[float]]:
    """Mean accuracy of some sizes: few-, one- and zero-shot, in the order of Figure 1.3's legend."""
    means = _accuracy_means(table)
    return {name: [round(means[size][s], 1) for s in reversed(SETTINGS)] for name, size in sizes.items()}


@register
def gap_of_shots(table: Rows) -> dict[str, Any]:
    """Mean few-shot gain over zero-shot, smallest and largest model, and whether it grows at every size."""
    gaps = [means["few"] - means["zero"] for means in _accuracy_means(table).values()]
    return {
        "grows": gaps == sorted(gaps),
        "small": round(gaps[0], 1),
        "175b": round(gaps[-1], 1),
    }


@register
def cloze_format(table: Rows) -> dict[str, Any]:
    """What few-shot examples in fill-in format do to LAMBADA: largest, smallest, and one-shot everywhere."""
    change = {
        size: _score(table, "LAMBADA", "few", size) - _score(table, "LAMBADA", "zero", size) for size in SIZES
    }
    return {
        "175b": round(change["175b"], 1),
        "small": round(change["small"], 1),
        "one_shot_always_worse": all(
            _score(table, "LAMBADA", "one", size) < _score(table, "LAMBADA", "zero", size) for size in SIZES
        ),
    }


@register
def above_chance(table: Rows, overlap: Rows, benchmark: str, chance: float) -> list[str]:
    """Sizes whose best setting is more than two standard errors above ``chance`` per cent.

    The standard error is that of a proportion over the benchmark's items (Table C.1).
    """
    items = next(row["items"] for row in overlap if row["benchmark"] == benchmark)
    limit = chance + 200 * math.sqrt(chance / 100 * (1 - chance / 100) / items)
    return [size for size in SIZES if max(_score(table, benchmark, s, size) for s in SETTINGS) > limit]


@register
def smaller_that_win(table: Rows) -> list[str]:
    """Arithmetic tasks on which a smaller model, few-shot, beats the largest zero-shot."""
    return [
        task
        for task in ARITHMETIC
        if max(_score(table, task, "few", size) for size in SIZES[:-1]) > _score(table, task, "zero", "175b")
    ]


@register
def largest_few_shot(table: Rows, size: str, besides: list[str]) -> dict[str, Any]:
    """The best few-shot arithmetic score of one size outside some tasks."""
    best = max(_score(table, task, "few", size) for task in ARITHMETIC if task not in besides)
    return {"below_10": best < 10, "best": best}


@register
def one_shot_drops(columns: Mapping[str, Values], tasks: list[str]) -> dict[str, Any]:
    """How far one-shot falls short of few-shot, in per cent of few-shot, and whether by half everywhere."""
    drops = {task: round(100 * (1 - columns[task]["one"] / columns[task]["few"]), 1) for task in tasks}
    return {"half_or_more": min(drops.values()) >= 50} | drops


@register
def translation(columns: Mapping[str, Values]) -> dict[str, float]:
    """Table 3.4: mean gains over the best unsupervised system into English, of one and of few examples."""
    pairs = list(columns.values())
    unsupervised = {
        name: max(column[system] for system in ("XLM", "MASS", "mBART") if column[system] is not None)
        for name, column in columns.items()
    }
    into = [name for name in columns if name.endswith("En")]
    return {
        "into_english_gain": round(mean([columns[n]["few"] - unsupervised[n] for n in into]), 1),
        "one_shot_gain": round(mean([pair["one"] - pair["zero"] for pair in pairs]), 1),
        "few_shot_extra": round(mean([pair["few"] - pair["one"] for pair in pairs]), 1),
        "en_ro_gap": round(unsupervised["EnRo"] - columns["EnRo"]["few"], 1),
    }


@register
def second_bleu(table: Rows, overlap: Rows) -> dict[str, Any]:
    """Largest gap of Table H.1's two BLEU rows of each direction (few-shot) from the score of Table C.1."""
    printed = {row["benchmark"]: row["all"] for row in overlap}
    directions = [d.removesuffix(" sb") for d in {row["benchmark"] for row in table} if d.endswith(" sb")]

    def gap(row: str) -> float:
        gaps = (abs(_score(table, f"{d} {row}", "few", "175b") - printed[d]) for d in directions)
        return float(round(max(gaps), 1))

    return {
        "second_rows_agree": gap("sb") <= 0.1,
        "second_rows_off_by": gap("sb"),
        "first_rows_off_by": gap("mb"),
    }


@register
def differing_cells(table: Rows, *tables: Mapping[str, Values]) -> dict[str, Any]:
    """Cells of the text's tables that Table H.1 prints differently for the largest model.

    A table maps benchmarks to settings to scores; ``SOTA`` is the fine-tuned best and ``test`` the score of
    the test server. A difference within the rounding to one decimal is none.
    """
    compared, differing = 0, []
    for printed in tables:
        for name, cells in printed.items():
            rows = {row["setting"]: row for row in table if row["benchmark"] in (name, f"{name} mb")}
            for setting, value in cells.items():
                if setting == "SOTA":
                    other = rows["few"]["sota"]
                elif setting == "test":
                    other = rows["few"]["test_server"]
                else:
                    other = rows[setting]["175b"] if setting in rows else None
                if value is None or other is None:
                    continue
                compared += 1
                if abs(value - other) > 0.0501:
                    differing.append(f"{name} {setting} {value} against {other}")
    return {"cells": compared, "differing": differing}
