"""Judging: every claim gets a verdict, what it rests on, and Holm's correction where there are several."""

from __future__ import annotations

from gptrepro.claims import Claim, Evidence, JudgedClaim, Judgement, Verdict, judge
from gptrepro.claims import ledger as module


def cited(name: str, **changes: object) -> Claim:
    fields = {"paper": "p", "where": "x", "statement": "y", "kind": "result"}
    rule = {} if "rule" in changes else {"no_rule": "cited", "because": "z"}
    return Claim.model_validate({"id": name} | fields | rule | changes)


def test_every_claim_gets_a_verdict_and_a_reason(ledger):
    for item in ledger.values():
        assert item.judgement.reason, item.claim.id
        assert item.as_row()["verdict"] in set(Verdict)


def test_a_verdict_says_what_it_rests_on():
    tried = Judgement(Verdict.TREND, "It fell.", experiment="gpt1-pretraining")
    assert JudgedClaim(cited("a"), tried).basis == "experiment"
    assert JudgedClaim(cited("a"), Judgement(Verdict.CITED, "z")).basis == "citation"
    assert JudgedClaim(cited("a"), Judgement(Verdict.NOT_RUN, "z")).basis == "nothing yet"
    held = Judgement(Verdict.CONSISTENT, "z")
    assert JudgedClaim(cited("a", rule={"name": "constructed"}), held).basis == "construction"
    assert JudgedClaim(cited("a", rule={"name": "recomputed"}), held).basis == "arithmetic"


def test_what_to_know_about_a_verdict_follows_its_reason():
    rule = {"name": "recomputed", "check": "part", "of": "other", "key": "a"}
    claim = cited("a", rule=rule, published=1, because="Rounded.")
    (found,) = judge([claim], Evidence(records={}, published={"other": {"a": 1}}))
    assert found.judgement.reason == "Recomputed from other, it agrees. Rounded."


def test_holm_takes_back_what_only_one_test_of_many_supports(monkeypatch):
    """Ten tests at p = 0.04 in a chapter: each alone would count, all together none does."""
    claims = [cited(f"c{i}", chapter="gpt1/02-pretraining") for i in range(10)]
    monkeypatch.setattr(
        module, "_judge_one", lambda claim, evidence: Judgement(Verdict.TREND, "It fell.", p_value=0.04)
    )
    assert {j.judgement.verdict for j in judge(claims[:1], Evidence(records={}))} == {Verdict.TREND}
    many = judge(claims, Evidence(records={}))
    assert {j.judgement.verdict for j in many} == {Verdict.INCONCLUSIVE}
    assert "Holm" in many[0].judgement.reason
    apart = [cited(f"c{i}", chapter=f"gpt1/{i:02}") for i in range(10)]
    assert {j.judgement.verdict for j in judge(apart, Evidence(records={}))} == {Verdict.TREND}
