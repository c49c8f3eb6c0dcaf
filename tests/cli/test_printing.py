"""Tables for people, JSON for programs."""

from __future__ import annotations

import json

from gptrepro.cli.printing import print_json, print_table


def test_json_keeps_characters_and_types(capsys):
    print_json({"name": "café", "n": 3, "none": None})
    out = capsys.readouterr().out
    assert json.loads(out) == {"name": "café", "n": 3, "none": None}
    assert "café" in out


def test_columns_of_numbers_are_set_to_the_right(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "60")
    print_table("Sizes", ["name", "tokens"], [["a", "7"], ["bcd", "1,024"]])
    first, second = capsys.readouterr().out.splitlines()[-3:-1]
    assert first.index("7") == second.index("4")
    assert first.index("a") == second.index("b")
