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


def test_cells_that_differ_by_more_than_rounding_are_named():
    rows = table("PIQA", zero=81.0, one=80.5, few=82.3)
    printed = {"PIQA": {"SOTA": 90.0, "zero": 80.5, "one": 80.54, "test": 82.8}}
    assert gpt3_scores.differing_cells(rows, printed) == {
        "cells": 3,
        "differing": ["PIQA zero 80.5 against 81.0"],
    }


def test_chance_is_exceeded_by_two_standard_errors_or_not_at_all():
    overlap = [{"benchmark": "RTE", "items": 100}]
    above = table("RTE", zero=50.0, one=59.9, few=60.1)
    below = table("RTE", zero=50.0, one=59.9, few=59.9)
    assert gpt3_scores.above_chance(above, overlap, "RTE", 50) == list(SIZES)
    assert gpt3_scores.above_chance(below, overlap, "RTE", 50) == []


def test_a_benchmark_missing_a_setting_is_noticed():
    rows = table("a", zero=1, one=1, few=1) + table("b", few=1)
    assert gpt3_scores.settings_reported(rows) == ["few"]


def test_an_unknown_cell_says_so():
    with pytest.raises(KeyError, match="no RTE, few-shot"):
        gpt3_scores.scores([], {"a": ["RTE", "few", "175b"]})
