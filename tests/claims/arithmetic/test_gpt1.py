"""GPT-1's tables: the transcription is checked against itself where the tables overlap."""

from __future__ import annotations

from gptrepro.claims import load_claims
from gptrepro.claims.arithmetic import gpt1

FIGURES = {claim.id: claim.figures for claim in load_claims()}

COLUMNS = {
    "gpt1-t2-baselines": {
        "MNLI-m": "gpt1-t2-mnli-m",
        "MNLI-mm": "gpt1-t2-mnli-mm",
        "SNLI": "gpt1-t2-snli",
        "SciTail": "gpt1-t2-scitail",
        "QNLI": "gpt1-t2-qnli",
        "RTE": "gpt1-t2-rte",
    },
    "gpt1-t3-baselines": {
        "Story Cloze": "gpt1-t3-story-cloze",
        "RACE-m": "gpt1-t3-race-m",
        "RACE-h": "gpt1-t3-race-h",
        "RACE": "gpt1-t3-race",
    },
    "gpt1-t4-baselines": {
        "CoLA": "gpt1-t4-cola",
        "SST-2": "gpt1-t4-sst-2",
        "MRPC": "gpt1-t4-mrpc",
        "STS-B": "gpt1-t4-sts-b",
        "QQP": "gpt1-t4-qqp",
        "GLUE": "gpt1-t4-glue",
    },
}


def test_the_best_earlier_score_is_the_best_of_the_listed_systems():
    for table, columns in COLUMNS.items():
        best = {c: max(s[c] for s in FIGURES[table].values() if c in s) for c in columns}
        assert best == {column: FIGURES[claim]["previous_best"] for column, claim in columns.items()}


def test_tables_2_to_4_and_table_5_agree_on_the_full_method():
    full = FIGURES["gpt1-t5-full"]
    for column, claim in (
        ("CoLA", "cola"),
        ("SST2", "sst-2"),
        ("MRPC", "mrpc"),
        ("STSB", "sts-b"),
        ("QQP", "qqp"),
    ):
        assert full[column] == FIGURES[f"gpt1-t4-{claim}"]["ours"]
    assert (full["QNLI"], full["RTE"]) == (FIGURES["gpt1-t2-qnli"]["ours"], FIGURES["gpt1-t2-rte"]["ours"])


def test_tasks_that_break_the_rule_of_size_are_named():
    rows = {"a": 10, "b": 20, "c": 200, "d": 400}
    with_it = {"Avg": 0.0, "a": 2.0, "b": 1.0, "c": 3.0, "d": 1.0}
    without = {"a": 1.0, "b": 2.0, "c": 1.0, "d": 1.0}
    assert gpt1.gain_by_size(with_it, without, rows, large=100) == {
        "large_without_gain": ["d"],
        "small_with_gain": ["a"],
        "rank_correlation": 0.0,
    }


def test_a_repeated_score_is_as_far_off_as_its_items_allow():
    """At 80% of 400 items one standard error is 2 points."""
    items = [{"benchmark": "x", "items": 400}]
    for median, within in ((76.1, True), (75.9, False)):
        found = gpt1.repeated({"ours": 80.0}, {"median_of_10": median}, items, "x")
        assert found["within_two_standard_errors"] is within


def test_a_data_set_counts_only_if_all_its_scores_improve():
    better, worse = {"ours": 2.0, "previous_best": 1.0}, {"ours": 1.0, "previous_best": 1.0}
    found = gpt1.datasets_improved({"A-m": better, "A-mm": worse, "B": better})
    assert found == {"improved": 1, "of": 2, "not_improved": ["A"]}
