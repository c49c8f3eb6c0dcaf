"""Models and data sets, as the command line lists them."""

from __future__ import annotations

import json


def test_models_lists_all_thirteen_with_exact_counts(gptrepro):
    status, out, _ = gptrepro("models", "--json")
    rows = {row["name"]: row for row in json.loads(out)}
    assert status == 0 and len(rows) == 13
    assert rows["gpt1"]["parameters"] == 116_534_784
    assert [rows[f"gpt2-{size}"]["parameters"] for size in ("124m", "355m", "774m", "1558m")] == [
        124_439_808,
        354_823_168,
        774_030_080,
        1_557_611_200,
    ]
    assert rows["gpt3-175b"]["parameters"] == 174_604_259_328
    status, out, _ = gptrepro("models")
    assert status == 0 and max(map(len, out.splitlines()[:15])) <= 80


def test_data_list_names_the_embedded_default(gptrepro):
    status, out, _ = gptrepro("data", "list", "--json")
    assert status == 0
    assert "plays" in {row["name"] for row in json.loads(out)}


def test_data_list_has_a_line_a_set_and_fits_a_terminal(gptrepro, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    status, out, _ = gptrepro("data", "list")
    lines = out.splitlines()
    assert status == 0 and max(len(line) for line in lines[:-1]) <= 80
    headings = [lines.index(heading.ljust(80)) for heading in ("Running text", "Labelled rows", "Files")]
    assert headings == sorted(headings)
    names = [row["name"] for row in json.loads(gptrepro("data", "list", "--json")[1])]
    assert [line.split()[0] for line in lines if line.split() and line.split()[0] in names] == names


def test_data_show_says_where_rows_are_from_and_what_to_beware_of(gptrepro):
    status, out, _ = gptrepro("data", "show", "wsc")
    assert status == 0
    assert "splits: few-shot-train, few-shot-dev, dev\n" in out
    assert "source: THUDM/P-tuning@" in out and "beware: All 32 rows" in out
    assert json.loads(gptrepro("data", "show", "wsc", "--json")[1])["licence"] == "CC BY 4.0"
    assert gptrepro("data", "show", "wscc")[0] == 1
