"""Verdict cards: the verdict first, numbers with unit and what was needed, safe HTML, no names of code."""

from __future__ import annotations

import re
from html import unescape

import pytest

from gptrepro.claims import JudgedClaim, Judgement, Verdict
from gptrepro.claims.cards import card_list, needed, show_claims
from gptrepro.claims.claim import RuleCall

from .rows import ROWS, judged


def words(html: str) -> str:
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]*>", " ", html)))


def test_a_card_says_the_verdict_first_then_claim_numbers_and_why():
    text = words(card_list(ROWS[1:2], name="x"))
    parts = ["trend replicated", "<b>Bold</b> & true", "GPT-1, §1", "ours 2.10 · theirs 1.50 nats"]
    parts += ["margin +0.60 [+0.50, +0.75]; 3 seeds", "Because.", "What would settle it:", "details"]
    places = [text.find(part) for part in parts]
    assert -1 not in places and places == sorted(places)


def test_details_give_the_test_and_the_other_scales():
    text = words(card_list(ROWS[1:2], name="x"))
    for line in (
        "97.5% interval, p = 0.012 after Holm's correction;",
        "smallest margin that the test could have seen: 0.10.",
        "At gpu: margin 0.90, n = 2 seeds.",
        "At smoke: margin 0.050 (0.010 to 0.090), n = 3 seeds.",
        "number format: bf16.",
    ):
        assert line in text


def test_html_escapes_and_carries_what_the_filters_need():
    html = card_list(ROWS, name="x", short=True)
    assert "&lt;b&gt;Bold&lt;/b&gt; &amp; true" in html and "<b>Bold" not in html
    assert html.count('<li class="claim') == len(ROWS)
    assert 'data-verdict="not-replicated"' in html and "badge-stale" in html


def test_a_short_card_folds_why():
    html = card_list(ROWS[1:2], name="x", short=True)
    assert html.index("<summary>why") < html.index("Because.")


def test_a_group_that_agrees_is_folded_and_counted_and_exceptions_stand_open():
    built = [judged("gpt1", Verdict.AGREES, f"Part {number}.") for number in range(3)]
    built = [
        JudgedClaim(item.claim.model_copy(update={"id": f"part-{number}"}), item.judgement)
        for number, item in enumerate(built)
    ]
    html = show_claims([*built, ROWS[2]], name="x").data
    assert "3 of 4 agree" in words(html)
    assert html.index("not replicated") < html.index("<details class=") < html.index("Part 0.")
    assert "claims-folded" not in show_claims(built[:2], name="x").data


def test_values_that_agree_stand_once_and_others_side_by_side():
    claim = ROWS[0].claim.model_copy(update={"published": 12, "unit": "blocks"})
    same, other = (
        words(card_list([JudgedClaim(claim, Judgement(Verdict.AGREES, "z", measured=value))], name="x"))
        for value in (12, 13)
    )
    assert "printed and found 12 blocks" in same
    assert "printed 12 blocks we find 13 blocks" in other


def test_a_finding_shows_what_was_asked():
    claim = ROWS[3].claim.model_copy(update={"published": {"a": 1}})
    found = Judgement(Verdict.REFUTED, "z", measured={"a": 2, "b": 2})
    assert "said a: 1 we find a: 2 z" in words(card_list([JudgedClaim(claim, found)], name="x"))


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({}, "more than 0"),
        ({"minimum": 0.25}, "more than 0.25"),
        ({"margin": 0.1}, "between -0.1 and +0.1"),
        ({"minimum": 1, "step_loss": 0.5}, "more than 1, no step below -0.5"),
    ],
)
def test_what_a_claim_needed_is_what_its_rule_asks(arguments, text):
    rule = RuleCall.model_validate({"name": "arm_beats"} | arguments)
    assert needed(ROWS[0].claim.model_copy(update={"rule": rule})) == text


def test_no_name_of_code_reaches_a_reader(ledger):
    text = words(card_list(list(ledger.values()), name="all", short=True))
    text = re.sub(r"gptrepro [a-z]+ \S+", "", text)  # commands
    assert re.findall(r"\b[A-Za-z0-9]+_\w+", text) == []
