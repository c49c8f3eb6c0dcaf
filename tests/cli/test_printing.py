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


def test_columns_of_numbers_are_set_to_the_right(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "60")
    print_table("Sizes", ["name", "tokens"], [["a", "7"], ["bcd", "1,024"]])
    first, second = capsys.readouterr().out.splitlines()[-3:-1]
    assert first.index("7") == second.index("4")
    assert first.index("a") == second.index("b")


def test_a_list_cuts_what_a_line_has_no_room_for(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "30")
    print_list("Sets", ["name", "MB", "what it is"], [["a" * 10, "12.0", "b" * 40], ["c", "3.0", "d"]])
    first, second = capsys.readouterr().out.splitlines()[2:4]
    assert first == "a" * 10 + "  12.0  " + "b" * 11 + "…"
    assert second.rstrip() == "c" + " " * 9 + "   3.0  d"
