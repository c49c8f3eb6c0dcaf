"""The rules that need no run: what was built, and the papers' own arithmetic."""

from __future__ import annotations

import pytest

from gptrepro.claims import Evidence, Verdict
from gptrepro.claims.rules import apply_rule, differences
from gptrepro.errors import GptreproError

NOTHING = Evidence(records={}, published={"sizes": {"a": 3, "b": 4.5}})


@pytest.mark.parametrize(
    ("published", "measured", "tolerance", "found"),
    [
        (1.0, 1, 0.0, []),
        (1.5, 1.45, 0.06, []),
        (1.5, 1.4, 0.06, ["1.4, not 1.5 (off by -0.1)"]),
        (2048, 3072, 0.0, ["3,072, not 2,048 (off by 1,024)"]),
        (True, 1, 0.0, ["1, not yes"]),
        ("pre", "post", 0.0, ["post, not pre"]),
        ({"a": 1}, {"a": 1, "b": 9}, 0.0, []),
        ({"a": 1, "b": 2}, {"a": 1}, 0.0, ["b is missing, not 2"]),
        ({"a": 1.0, "b": 2.0}, {"a": 1.1, "b": 2.1}, {"a": 0.2}, ["b is 2.1, not 2 (off by 0.1)"]),
        ({"top": {"one_pct": 1}}, {"top": {"one_pct": 2}}, 0.0, ["top one is 2, not 1 (off by 1)"]),
        ([1, 2], [1, 3], 0.0, ["2 is 3, not 2 (off by 1)"]),
        ([], ["1BW"], 0.0, ["1BW, not none"]),
        ({"a": 1}, 1, 0.0, ["1, not a: 1"]),
    ],
)
def test_differences_are_named_with_their_size(published, measured, tolerance, found):
    assert differences(published, measured, tolerance) == found


def test_recomputation_takes_other_claims_figures():
    rule = {"check": "part", "of": "sizes", "key": "a"}
    assert apply_rule("recomputed", 3, NOTHING, rule).verdict is Verdict.CONFIRMED
    found = apply_rule("recomputed", 5, NOTHING, rule)
    assert found.verdict is Verdict.REFUTED and found.measured == 3
    assert found.reason == "Recomputed from sizes: 3, not 5 (off by -2)."


def test_recomputation_takes_figures_by_label_and_compares_some_keys():
    rule = {"check": "nested_means", "of": {"x": "row"}, "keys": ["x"]}
    evidence = Evidence(records={}, published={"row": {"R1": 1, "R2": 2, "RL": 6}})
    assert apply_rule("recomputed", {"x": 3, "y": 0}, evidence, rule).verdict is Verdict.CONFIRMED


@pytest.mark.parametrize(
    ("published", "verdict"),
    [
        ({"x": 3, "y": 6}, Verdict.CONFIRMED),
        ({"x": 3, "y": 7}, Verdict.PARTLY),
        ({"x": 4, "y": 7}, Verdict.REFUTED),
    ],
)
def test_a_statement_of_several_parts_can_be_partly_right(published, verdict):
    rule = {"check": "nested_means", "of": {"x": "a", "y": "b"}}
    figures = {"a": {"R1": 1, "R2": 2, "RL": 6}, "b": {"R1": 4, "R2": 5, "RL": 9}}
    assert (
        apply_rule("recomputed", published, Evidence(records={}, published=figures), rule).verdict is verdict
    )


def test_what_rounding_leaves_open_is_no_disagreement():
    """Two scores of 70.1 and 70.2 may average 70.1 or 70.2, and not 70.3."""
    evidence = Evidence(records={}, published={"row": {"a": 70.1, "b": 70.2}})
    rule = {"check": "nested_means", "of": {"mean": "row"}}
    for printed, verdict in ((70.1, Verdict.CONFIRMED), (70.3, Verdict.REFUTED)):
        found = apply_rule("recomputed", {"mean": printed}, evidence, rule | {"tolerance": "rounding"})
        assert found.verdict is verdict
    assert apply_rule("recomputed", {"mean": 70.1}, evidence, rule).verdict is Verdict.REFUTED


def test_one_value_can_stand_for_several_models():
    models = ["gpt2-124m", "gpt2-355m"]
    rule = {"probe": "vocabulary_rows", "model": models}
    assert apply_rule("constructed", 50257, NOTHING, rule).measured == 50257
    found = apply_rule("constructed", 12, NOTHING, {"probe": "blocks", "model": models})
    assert found.reason == "Built here: GPT-2 355M is 24, not 12 (off by 12)."
    by_name = {"gpt2-124m": 12, "gpt2-355m": 24}
    found = apply_rule("constructed", by_name, NOTHING, {"probe": "blocks", "model": models})
    assert found.verdict is Verdict.AGREES


def test_what_cannot_be_had_is_not_run():
    found = apply_rule("constructed", 1, NOTHING, {"probe": "batch", "model": "gpt2-124m"})
    assert found.verdict is Verdict.NOT_RUN
    assert "does not report how it was trained" in found.reason


@pytest.mark.parametrize(
    ("name", "arguments", "sentence"),
    [
        ("guess", {}, "no rule 'guess'"),
        ("constructed", {"probe": "blocks", "wish": 1}, "cannot be applied"),
        ("recomputed", {"check": "guess", "of": "sizes"}, "no check 'guess'"),
        ("recomputed", {"check": "part", "of": "sizes"}, "'part' cannot be applied"),
        ("recomputed", {"check": "part", "of": "weights", "key": "a"}, "No claim 'weights'"),
    ],
)
def test_mistakes_are_one_sentence(name, arguments, sentence):
    with pytest.raises(GptreproError, match=sentence):
        apply_rule(name, 1, NOTHING, arguments)
