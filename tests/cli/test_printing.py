"""Tables for people, JSON for programs."""

from __future__ import annotations

import json

import pytest

from gptrepro.cli.printing import print_json, print_list, print_table


def test_json_keeps_characters_and_types(capsys):
    print_json({"name": "café", "n": 3, "none": None})
    out = capsys.readouterr().out
    assert json.loads(out) == {"name": "café", "n": 3, "none": None}
    assert "café" in out


def test_json_has_null_for_what_is_no_number(capsys):
    print_json({"a": float("nan"), "b": [float("inf"), 1.5], "c": ({"d": -float("inf")},)})
    out = capsys.readouterr().out
    strict = json.loads(out, parse_constant=lambda word: pytest.fail(f"{word} is no JSON"))
    assert strict == {"a": None, "b": [None, 1.5], "c": [{"d": None}]}


def test_columns_of_numbers_are_set_to_the_right_under_headings(capsys):
    print_table("Sizes", ["name", "tokens"], [["those that count"], ["a", "7"], ["bcd", "1,024"]])
    assert capsys.readouterr().out.splitlines() == [
        "Sizes",
        "name tokens",
        "those that count",
        "a         7",
        "bcd   1,024",
    ]


def test_a_list_cuts_what_a_line_has_no_room_for(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "30")
    print_list("Sets", ["name", "MB", "what it is"], [["a" * 10, "12.0", "b" * 40], ["c", "3.0", "d"]])
    first, second = capsys.readouterr().out.splitlines()[2:4]
    assert first == "a" * 10 + "  12.0  " + "b" * 11 + "…"
    assert second.rstrip() == "c" + " " * 9 + "   3.0  d"
