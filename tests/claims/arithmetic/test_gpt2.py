"""GPT-2's tables: what counts as better, what as luck, and how sure the surest answers are."""

from __future__ import annotations

from gptrepro.claims.arithmetic import gpt2


def test_better_is_higher_for_accuracy_and_lower_for_the_rest():
    earlier = {"LAMBADA_ppl": 10.0, "LAMBADA_acc": 50.0, "CBT-CN_acc": 80.0, "1BW_ppl": 20.0}
    row = {"LAMBADA_ppl": 9.0, "LAMBADA_acc": 51.0, "CBT-CN_acc": 79.0, "1BW_ppl": 19.0}
    assert gpt2.datasets_beaten(row, earlier) == {"improved": 2, "of": 3, "missed": ["CBT"]}


def test_a_step_back_is_luck_within_two_standard_errors_of_the_difference():
    """At 50% of 1,000 items the difference of two scores has a standard error of 2.24 points."""
    rows = {
        "small": {"a_acc": 52.0, "b_acc": 55.0, "c_ppl": 5.0},
        "large": {"a_acc": 48.0, "b_acc": 50.0, "c_ppl": 5.1},
    }
    found = gpt2.reversals(rows, {"a_acc": 1000, "b_acc": 1000})
    assert found == {"worse": ["a_acc", "b_acc", "c_ppl"], "worse_beyond_luck": ["b_acc", "c_ppl"]}


def test_answers_are_calibrated_or_too_sure():
    """Of 100 answers at 50% fifty should be right, give or take ten."""
    for wrong, within in ((range(60), True), (range(61), False), (range(40), True), (range(39), False)):
        found = gpt2.calibration({"probabilities_pct": [50.0] * 100, "wrong": list(wrong)})
        assert found["within_two_standard_deviations"] is within
    assert found["expected"] == 50 and found["right"] == 61
