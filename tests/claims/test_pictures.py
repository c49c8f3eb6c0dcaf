"""The verdicts at a glance: a row for each tested claim, a bar for each paper."""

from __future__ import annotations

import re

import pytest

from gptrepro.claims import JudgedClaim, Judgement, Verdict, load_claims
from gptrepro.claims.claim import RuleCall
from gptrepro.claims.pictures import bars, beyond_the_bound, forest
from gptrepro.claims.rules import TRAINED
from gptrepro.claims.trial import Trial
from gptrepro.evaluate.statistics import paired_t

from .rows import ROWS


def trained(trial: Trial, level: float = 0.05) -> JudgedClaim:
    rule = RuleCall.model_validate({"name": "arm_beats"})
    claim = ROWS[1].claim.model_copy(update={"rule": rule, "no_rule": None, "because": None})
    low, high = trial.effect.interval(level)
    found = Judgement(
        Verdict.INCONCLUSIVE,
        "z",
        size=trial.effect.mean,
        interval=(low, high),
        level=level,
        mde=trial.effect.visible(level),
        trial=trial,
        experiment="gpt1-pretraining",
    )
    return JudgedClaim(claim, found)


def test_every_tested_claim_is_a_row_that_links_to_its_card(ledger):
    html = forest(list(ledger.values()), notebooks="../")
    tried = [
        item
        for item in ledger.values()
        if item.basis == "experiment" and item.judgement.verdict is not Verdict.NOT_RUN
    ]
    links = re.findall(r'href="../([^"#]+).html#([^"]+)"', html)
    assert links == [
        (item.claim.chapter or "ledger/scoreboard", item.anchor)
        for paper in ("background", "gpt1", "gpt2", "gpt3")
        for item in tried
        if item.claim.paper == paper
    ]
    assert f"{len(tried)} claims put to an experiment" in html


def test_an_effect_lies_beyond_its_bound_in_units_of_what_the_test_could_see():
    effect = paired_t([2.0, 3.0, 4.0])
    low, middle, high = beyond_the_bound(trained(Trial(effect, least=1.0)))
    unit = effect.visible(0.05)
    assert middle == pytest.approx(2.0 / unit)
    assert [low, high] == pytest.approx([(end - 1.0) / unit for end in effect.interval(0.05)])


def test_a_claim_in_parts_is_drawn_by_the_part_that_it_hangs_on():
    wide, gives_back = paired_t([5.0, 5.1, 5.2]), paired_t([-1.0, -1.1, -1.2])
    item = trained(Trial(wide, least=0.0, steps={"one": gives_back}, loss=0.5))
    assert beyond_the_bound(item)[1] == pytest.approx(-0.6 / gives_back.visible(0.05))
    within = trained(Trial(paired_t([0.3, 0.5, 0.7]), least=-1.0, most=1.0))
    assert beyond_the_bound(within)[1] > 0


def test_an_answer_lies_on_its_side_of_the_line(ledger):
    for item in ledger.values():
        if item.judgement.trial is not None and item.claim.mirror_of is None:
            low, _, high = beyond_the_bound(item)
            denied = item.judgement.verdict in (Verdict.NOT_REPLICATED, Verdict.SMALLER)
            held = item.judgement.verdict.empirical and not denied
            if held and item.judgement.verdict is not Verdict.INCONCLUSIVE:
                assert low >= -1e-3, item.claim.id
            if denied and not item.judgement.trial.steps:
                assert high <= 1e-3, item.claim.id


def test_a_bar_has_the_counts_of_its_paper(ledger):
    html = bars(list(ledger.values()))
    assert html.count("<tr>") == 4 and "nothing trained yet" in html
    counts = [int(count) for count in re.findall(r"flex-grow: (\d+)", html)]
    assert sum(counts) == sum(int(count) for count in re.findall(r"(\d+) tested", html))


def test_every_claim_that_a_training_judges_has_its_few_words():
    for claim in load_claims():
        if claim.rule is not None and claim.rule.name in TRAINED:
            assert claim.short, f"{claim.id}: give it a `short` for the figure of all verdicts"
