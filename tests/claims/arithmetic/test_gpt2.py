"""GPT-2's tables: high accuracies and low perplexities count as better."""

from __future__ import annotations

from gptrepro.claims.arithmetic import gpt2


def test_better_is_higher_for_accuracy_and_lower_for_the_rest():
    earlier = {"LAMBADA_ppl": 10.0, "LAMBADA_acc": 50.0, "CBT-CN_acc": 80.0, "1BW_ppl": 20.0}
    row = {"LAMBADA_ppl": 9.0, "LAMBADA_acc": 51.0, "CBT-CN_acc": 79.0, "1BW_ppl": 19.0}
    assert gpt2.datasets_beaten(row, earlier) == {"improved": 2, "of": 3, "missed": ["CBT"]}


def test_a_column_is_new_only_once():
    rows = {"small": {"a_ppl": 9.0, "b_ppl": 9.0}, "large": {"a_ppl": 8.0, "b_ppl": 7.0}}
    found = gpt2.newly_beaten(rows | {"before": {"a_ppl": 10.0, "b_ppl": 8.0}}, earlier="before")
    assert found == {"small": ["a_ppl"], "large": ["b_ppl"]}


def test_reversals_are_columns_in_which_size_does_not_help():
    assert gpt2.reversals({"s": {"a_acc": 1, "b_ppl": 5}, "l": {"a_acc": 2, "b_ppl": 6}}) == ["b_ppl"]
