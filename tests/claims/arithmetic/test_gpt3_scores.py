"""GPT-3's scores, on small tables worked by hand."""

from __future__ import annotations

import pytest

from gptrepro.claims import load_claims
from gptrepro.claims.arithmetic import gpt3_scores
from gptrepro.claims.arithmetic.gpt3_scores import SETTINGS, SIZES

H1 = next(claim for claim in load_claims() if claim.id == "gpt3-h1").rows


def table(name: str, **settings: float) -> list[dict[str, object]]:
    """One benchmark of which every size has the same score in a setting."""
    return [
        {"benchmark": name, "setting": setting, "metric": "acc", "k": 32, "sota": 90.0, "test_server": None}
        | dict.fromkeys(SIZES, score)
        for setting, score in settings.items()
    ]


def test_table_h1_is_complete():
    assert {row["setting"] for row in H1} == set(SETTINGS)
    assert len(H1) == 63 * 3
    assert all(isinstance(row[size], int | float) for row in H1 for size in SIZES)


def test_cells_that_differ_by_more_than_the_rounding_of_both_are_named():
    rows = table("PIQA", zero=81.0, one=80.5, few=82.3)
    printed = {"PIQA": {"SOTA": 90.0, "zero": 80.5, "one": 80.6, "test": 82.8}}
    found = gpt3_scores.differing_cells({"H.1": rows, "3.6": printed, "3.7": {}}, against="H.1")
    assert found == {"3.6": ["PIQA zero 80.5 against 81.0"], "3.7": [], "cells": 3}


def test_the_best_of_many_scores_is_above_chance_by_luck():
    """Of 100 items 60 right have a one-sided p of 0.028 at chance 50: nothing among 24; 66 have 0.0009."""
    overlap = [{"benchmark": "RTE", "items": 100}]
    rows = table("RTE", zero=50.0, one=50.0, few=50.0)
    for best, sizes in ((60.0, []), (66.0, ["small"])):
        rows[2]["small"] = best
        assert gpt3_scores.above_chance(rows, overlap, ["RTE"], 50)["sizes"] == sizes


def test_a_smaller_model_wins_by_more_than_luck_or_not():
    """At 10% of 2,000 problems the difference of two scores has a standard error of 0.95 points."""
    rows = [row for task in gpt3_scores.ARITHMETIC for row in table(task, zero=10.0, one=10.0, few=10.0)]
    rows[2]["13b"], rows[5]["13b"] = 11.0, 13.0
    assert gpt3_scores.smaller_that_win(rows, 2000) == {"exceptions": ["2D+", "2D-"], "beyond_luck": ["2D-"]}


def test_curves_rise_and_are_steeper():
    rows = table("a", zero=1.0, one=2.0, few=3.0)
    rows[2]["175b"] = 9.0
    found = gpt3_scores.curves(rows, "a", ["small", "175b"])
    assert found == {"rises_with_examples": True, "steeper_in_larger_models": True, "gained": [2.0, 8.0]}
    assert gpt3_scores.curves(rows, "a", ["175b", "small"])["steeper_in_larger_models"] is False


def test_scores_of_table_c1_are_looked_up_in_table_h1():
    rows = table("a", few=60.0) + table("b sb", few=30.0) + table("b mb", few=20.0) + table("c", few=1.0)
    overlap = [
        {"benchmark": "a", "all": 60.2},
        {"benchmark": "b", "all": 30.1},
        {"benchmark": "d", "all": 9.0},
    ]
    found = gpt3_scores.overlap_against_h1(rows, overlap)
    assert found == {"differing": ["a"], "agreeing": 1, "compared": 2}


def test_a_benchmark_missing_a_setting_is_noticed():
    rows = table("a", zero=1, one=1, few=1) + table("b", few=1)
    assert gpt3_scores.settings_reported(rows) == ["few"]


def test_an_unknown_cell_says_so():
    with pytest.raises(KeyError, match="no RTE, few-shot"):
        gpt3_scores.scores([], {"a": ["RTE", "few", "175b"]})
