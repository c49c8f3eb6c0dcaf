"""Tables of claims: filters, counts, and HTML that is safe and complete."""

from __future__ import annotations

import pytest

from gptrepro.claims import Claim, JudgedClaim, Judgement, Verdict
from gptrepro.claims.tables import (
    count_by_basis,
    counts_by_paper,
    findings,
    frame,
    headline,
    measured,
    outcome,
    printed,
    scoreboard_html,
    verdict_lines,
)
from gptrepro.claims.verdict import AtScale


def judged(paper: str, verdict: Verdict, statement: str = "It holds.", **found: object) -> JudgedClaim:
    claim = Claim(
        id=f"{paper}-{str(verdict).replace(' ', '-')}",
        paper=paper,
        where="§1",
        statement=statement,
        kind="result",
        no_rule="cited",
        because="z",
    )
    return JudgedClaim(claim, Judgement(verdict, "Because.", **found))


ROWS = [
    judged("gpt1", Verdict.AGREES),
    judged(
        "gpt1",
        Verdict.TREND,
        "<b>Bold</b> & true",
        measured=2.1,
        compared={"ours": 2.1, "theirs": 1.5},
        unit="nats",
        effect="margin",
        size=0.6,
        interval=(0.5, 0.75),
        n=3,
        seeds=[100, 101, 102],
        mde=0.1,
        level=0.0125,
        p_value=0.0123,
        scale="laptop",
        experiment="gpt1-pretraining",
        precision="bf16",
        beside=(AtScale("gpu", 2, 0.9, None), AtScale("smoke", 3, 0.05, (0.01, 0.09))),
    ),
    judged("gpt2", Verdict.NOT_REPLICATED, stale="older version", experiment="gpt1-pretraining"),
    judged("popular", Verdict.REFUTED),
]


def test_the_headline_counts_what_papers_state_and_experiments_tried():
    ours = judged("gpt3", Verdict.TREND, experiment="gpt1-pretraining")
    ours = JudgedClaim(ours.claim.model_copy(update={"stated_by": "ours"}), ours.judgement)
    mirror = judged("gpt3", Verdict.TREND, experiment="gpt1-pretraining")
    mirror = JudgedClaim(mirror.claim.model_copy(update={"mirror_of": "a"}), mirror.judgement)
    assert headline([*ROWS, ours, mirror]).startswith(
        "Of what the papers themselves state, experiments tried 2 claims and 1 held (GPT-1 1 and 1; "
        "GPT-2 1 and 0). 1 more were tried in a form of ours"
    )
    counts = counts_by_paper([*ROWS, ours, mirror]).set_index("paper")
    assert list(counts.loc["GPT-3"]) == [0] * 7 and list(counts.loc["GPT-2"])[:4] == [1, 1, 0, 1]


def test_the_outcome_lists_what_an_experiment_decided_and_nothing_else():
    open_question = judged("gpt3", Verdict.INCONCLUSIVE, "It may be.", experiment="gpt1-pretraining")
    assert outcome([open_question, *ROWS]).splitlines() == [
        "**Outcome at laptop scale.**",
        "",
        "- *trend replicated*: <b>Bold</b> & true",
        "- *not replicated (stale)*: It holds.",
        "- *inconclusive*: It may be.",
    ]


def test_verdicts_are_counted_by_what_they_rest_on():
    counts = count_by_basis(ROWS)
    assert counts.loc["not replicated", "experiment"] == 1
    assert counts.to_numpy().sum() == len(ROWS)


def test_html_escapes_and_carries_what_the_filters_need():
    html = scoreboard_html(ROWS)
    assert "&lt;b&gt;Bold&lt;/b&gt; &amp; true" in html and "<b>" not in html
    assert html.count("<tr id=") == 4
    assert 'data-verdict="not-replicated"' in html and "badge-stale" in html
    assert "97.5% interval, n = 3 seeds, p = 0.012 after Holm's correction;" in html.replace("&#x27;", "'")
    assert "smallest margin that the test could have seen: 0.10" in html and "number format: bf16" in html


def test_a_comparison_shows_both_sides_its_unit_and_the_effect_with_its_interval():
    text = "ours: 2.10, theirs: 1.50 nats; margin 0.60 (0.50 to 0.75)"
    assert measured(ROWS[1]) == frame(ROWS)["measured"].iloc[1] == text
    assert f">{text}</td>" in scoreboard_html(ROWS), "a comparison is never folded"


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [(12, "blocks", "12 blocks"), (59.1, "% accuracy", "59.1% accuracy"), (True, "blocks", "yes")],
)
def test_a_number_comes_with_the_unit_of_its_claim(value, unit, text):
    claim = ROWS[0].claim.model_copy(update={"published": value, "unit": unit})
    item = JudgedClaim(claim, Judgement(Verdict.AGREES, "z", measured=value))
    assert list(frame([item]).loc[0, ["published", "measured"]]) == [text, text]


def test_a_long_value_is_folded_with_the_unit_of_its_parts():
    scores = {f"benchmark {i}": i for i in range(12)}
    short, long = (
        judged("gpt2", Verdict.CITED).claim.model_copy(update={"published": value, "unit": "points"})
        for value in ({"a": 1, "b": 2}, scores)
    )
    html = scoreboard_html([JudgedClaim(claim, Judgement(Verdict.CITED, "z")) for claim in (short, long)])
    assert ">a: 1, b: 2 (points)</td>" in html
    assert "<summary>12 values</summary> benchmark 0: 0, benchmark 1: 1" in html


def test_frame_marks_stale_rows():
    assert list(frame(ROWS)["verdict"]) == [
        "agrees",
        "trend replicated",
        "not replicated (stale)",
        "refuted",
    ]


def test_verdicts_in_words_give_the_test_where_there_was_one():
    assert verdict_lines(ROWS[:2], unit="nats").splitlines() == [
        "gpt1-agrees: agrees. Because.",
        "gpt1-trend-replicated: trend replicated. Because.",
        "  97.5% interval 0.50 to 0.75 nats, n = 3 seeds",
        "  p = 0.012 after Holm's correction",
        "  smallest effect that the test could have seen: 0.10 nats",
        "  at gpu: margin 0.90, n = 2 seeds",
        "  at smoke: margin 0.050 (0.010 to 0.090), n = 3 seeds",
    ]


def test_a_test_has_the_unit_of_what_was_measured_unless_another_is_given():
    assert "0.10 nats" in verdict_lines(ROWS[1:2])
    assert "0.10 points" in verdict_lines(ROWS[1:2], unit="points")


def test_a_test_without_seeds_rests_on_items():
    released = judged(
        "gpt2", Verdict.TREND, effect="margin", interval=(0.5, 0.75), n=400, mde=0.1, level=0.05
    )
    assert "90% interval 0.50 to 0.75, n = 400 items" in verdict_lines([released])


def test_a_long_verdict_is_wrapped():
    claim = judged("gpt1", Verdict.CITED).claim
    text = verdict_lines([JudgedClaim(claim, Judgement(Verdict.CITED, "One two three four. " * 20))])
    assert max(map(len, text.splitlines())) <= 80
    assert all(line.startswith("  ") for line in text.splitlines()[1:])


def test_findings_are_the_verdicts_with_what_was_read():
    said = judged("popular", Verdict.PARTLY)
    table = findings([*ROWS[::3], said])
    assert list(table["finding"]) == ["agrees", "refuted", "partly right"]
    assert table["note"].iloc[-1] == "z"


def test_findings_show_what_was_asked():
    claim = ROWS[0].claim.model_copy(update={"published": {"a": 1}})
    yes_or_no = ROWS[0].claim.model_copy(update={"published": {"held": True}})
    found = Judgement(Verdict.AGREES, "z", measured={"a": 1, "b": 2, "held": True})
    table = findings([JudgedClaim(claim, found), JudgedClaim(yes_or_no, found)])
    assert list(table["we find"]) == ["a: 1", "a: 1, b: 2, held: yes"]


def test_a_wide_table_is_announced_by_its_size():
    claim = ROWS[0].claim.model_copy(update={"table": "t", "rows": ({"a": 1}, {"a": 2})})
    assert printed(claim) == "table of 2 rows"
