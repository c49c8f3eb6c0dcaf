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
    assert gptrepro("models")[0] == 0


def test_data_list_names_the_embedded_default(gptrepro):
    status, out, _ = gptrepro("data", "list", "--json")
    assert status == 0
    assert "plays" in {row["name"] for row in json.loads(out)}
