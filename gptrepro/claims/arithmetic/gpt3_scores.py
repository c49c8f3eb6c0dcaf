"""GPT-3's scores: Table H.1 (every benchmark, size, setting) beside the text's tables and sentences."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import scipy

from gptrepro.claims.arithmetic.registry import Rows, Values, mean, register, standard_error
from gptrepro.claims.rounding import half_unit
from gptrepro.evaluate.statistics import holm

SIZES = ("small", "medium", "large", "xl", "2.7b", "6.7b", "13b", "175b")
SETTINGS = ("zero", "one", "few")

SUPERGLUE = (
    ("BoolQ",), ("CB", "CB f1"), ("COPA",), ("RTE",), ("WiC",), ("WSC",), ("MultiRC", "MultiRC f1a"),
    ("ReCoRD", "ReCoRD f1"),
)  # fmt: skip
"""The eight tasks; a task with two scores counts with their mean."""

SIGNIFICANCE = 0.05

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
def curves(table: Rows, benchmark: str, sizes: list[str]) -> dict[str, Any]:
    """How scores on one benchmark rise from zero to one to a few examples, in models of ascending size."""
    by_size = [[_score(table, benchmark, s, size) for s in SETTINGS] for size in sizes]
    gained = [points[-1] - points[0] for points in by_size]
    return {
        "rises_with_examples": all(points == sorted(set(points)) for points in by_size),
        "steeper_in_larger_models": gained == sorted(set(gained)),
        "gained": [round(points, 1) for points in gained],
    }


@register
def gains(table: Rows, benchmark: str, over: float, size: str) -> dict[str, Any]:
    """How far the largest model's few-shot score is above an earlier best, and whether ``size`` beats it."""
    largest, smaller = (_score(table, benchmark, "few", each) for each in ("175b", size))
    return {"gain": round(largest - over, 1), f"{size}_beats_it": smaller > over, size: smaller}


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
    """Table 3.8: how far its average is off, tasks won against BERT-Large, those within 5% of the best."""
    lead = [task[0] for task in SUPERGLUE]
    tasks = mean([mean([columns[part]["test"] for part in task]) for task in SUPERGLUE])
    return {
        "average_off_by": round(columns["SuperGLUE"]["test"] - tasks, 4),
        "beats": sum(columns[name]["test"] > columns[name]["BERT-Large"] for name in lead),
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
def above_chance(table: Rows, overlap: Rows, benchmarks: list[str], chance: float) -> dict[str, Any]:
    """Sizes that are above ``chance`` per cent in some setting of some of the benchmarks by more than luck.

    One-sided binomial tests over the items of each benchmark (Table C.1), of every size in every setting,
    with Holm's correction over all of them at 5%: the best of many scores is high by luck alone.
    """
    items = {row["benchmark"]: row["items"] for row in overlap}
    places = [(name, setting, size) for name in benchmarks for setting in SETTINGS for size in SIZES]
    tails = []
    for name, setting, size in places:
        right = round(_score(table, name, setting, size) / 100 * items[name])
        tails.append(float(scipy.stats.binom.sf(right - 1, items[name], chance / 100)))
    corrected = holm(tails)
    least = {
        size: min(p for p, place in zip(corrected, places, strict=True) if place[-1] == size)
        for size in SIZES
    }
    others = {size: p for size, p in least.items() if p > SIGNIFICANCE}
    return {
        "sizes": [size for size in SIZES if size not in others],
        "next_p": round(min(others.values(), default=1), 2),
    }


@register
def smaller_that_win(table: Rows, items: int) -> dict[str, list[str]]:
    """Arithmetic tasks on which a smaller model, few-shot, beats the largest zero-shot, and beyond luck.

    Two standard errors of the difference over ``items`` problems, or less, are luck.
    """
    found: dict[str, list[str]] = {"exceptions": [], "beyond_luck": []}
    for task in ARITHMETIC:
        smaller = max(_score(table, task, "few", size) for size in SIZES[:-1])
        largest = _score(table, task, "zero", "175b")
        luck = math.hypot(standard_error(smaller, items), standard_error(largest, items))
        if smaller > largest:
            found["exceptions"].append(task)
        if smaller > largest + 2 * luck:
            found["beyond_luck"].append(task)
    return found


@register
def sums_and_the_rest(table: Rows, size: str, sums: list[str]) -> dict[str, Any]:
    """Few-shot arithmetic of one size: scores on some tasks, and whether all others are below a tenth."""
    best = max(_score(table, task, "few", size) for task in ARITHMETIC if task not in sums)
    return {task: _score(table, task, "few", size) for task in sums} | {
        "rest_below_10": best < 10,
        "best": best,
    }


@register
def one_shot_drops(columns: Mapping[str, Values], tasks: list[str]) -> dict[str, Any]:
    """How far one-shot falls short of few-shot, in per cent of few-shot, and whether by half everywhere."""
    drops = {task: round(100 * (1 - columns[task]["one"] / columns[task]["few"]), 1) for task in tasks}
    return {"half_or_more": min(drops.values()) >= 50} | drops


@register
def translation(columns: Mapping[str, Values]) -> dict[str, Any]:
    """Table 3.4: mean gains over the best unsupervised system into English, of one and of few examples."""
    pairs = list(columns.values())
    unsupervised = {
        name: max(column[system] for system in ("XLM", "MASS", "mBART") if column[system] is not None)
        for name, column in columns.items()
    }
    into = [name for name in columns if name.endswith("En")]
    one = mean([pair["one"] - pair["zero"] for pair in pairs])
    gap = unsupervised["EnRo"] - columns["EnRo"]["few"]
    return {
        "into_english_gain": round(mean([columns[n]["few"] - unsupervised[n] for n in into]), 1),
        "one_shot_gain_over_7": one > 7,
        "one_shot_gain": round(one, 1),
        "few_shot_extra": round(mean([pair["few"] - pair["one"] for pair in pairs]), 1),
        "en_ro_gap_over_10": gap > 10,
        "en_ro_gap": round(gap, 1),
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
def differing_cells(tables: Mapping[str, Any], against: str) -> dict[str, Any]:
    """Cells of the text's tables that Table H.1 prints differently for the largest model, table by table.

    A difference that the rounding of both can make is none.

    Args:
        tables: the tables by name. Each maps benchmarks to settings to scores; ``SOTA`` is the fine-tuned
            best and ``test`` the score of the test server.
        against: the name of Table H.1 among them.
    """
    compared, table = 0, tables[against]
    differing: dict[str, list[str]] = {name: [] for name in tables if name != against}
    for place in differing:
        for benchmark, cells in tables[place].items():
            for setting, value in cells.items():
                other = _in_table_h1(table, benchmark, setting)
                if value is None or other is None:
                    continue
                compared += 1
                if abs(value - other) > half_unit(value) + half_unit(other) + 1e-9:
                    differing[place].append(f"{benchmark} {setting} {value} against {other}")
    return {**differing, "cells": compared}


def _in_table_h1(table: Rows, benchmark: str, setting: str) -> float | None:
    """What Table H.1 has for a cell of another table, or None."""
    columns = dict.fromkeys(SETTINGS, "175b") | {"SOTA": "sota", "test": "test_server"}
    column = columns.get(setting)
    names = (benchmark, f"{benchmark} mb")
    wanted = setting if setting in SETTINGS else "few"
    rows = [row for row in table if row["benchmark"] in names and row["setting"] == wanted]
    return rows[0][column] if rows and column else None


@register
def overlap_against_h1(table: Rows, overlap: Rows) -> dict[str, Any]:
    """Benchmarks whose score on all items in Table C.1 is not the few-shot score of Table H.1.

    Translations are compared with the second row of their direction. Names that are not in both tables, and
    MultiRC, for which they print different measures, are left out.
    """
    pairs = {}
    for row in overlap:
        name = str(row["benchmark"])
        names = (name, f"{name} sb")
        found = [each["175b"] for each in table if each["benchmark"] in names and each["setting"] == "few"]
        if found and name != "MultiRC":
            pairs[name] = (row["all"], found[0])
    differing = [n for n, (a, b) in pairs.items() if abs(a - b) > half_unit(a) + half_unit(b) + 1e-9]
    return {"differing": differing, "agreeing": len(pairs) - len(differing), "compared": len(pairs)}
