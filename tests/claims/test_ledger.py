"""Judging: every claim gets a verdict, what it rests on, and Holm's correction where there are several."""

from __future__ import annotations

import pytest

from gptrepro.claims import Claim, Evidence, JudgedClaim, Judgement, Verdict, judge
from gptrepro.claims import ledger as module
from gptrepro.claims.judging import decided
from gptrepro.claims.trial import Trial
from gptrepro.evaluate.statistics import paired_t
from gptrepro.results.preregistration import rule_hash
from tests.claims.records import line, record_of


def cited(name: str, **changes: object) -> Claim:
    fields = {"paper": "p", "where": "x", "statement": "y", "kind": "result"}
    rule = {} if {"rule", "mirror_of"} & set(changes) else {"no_rule": "cited", "because": "z"}
    return Claim.model_validate({"id": name} | fields | rule | changes)


def fell(by: float) -> Judgement:
    """A test over three seeds whose mean is so many standard errors from nought."""
    return decided(
        Judgement(Verdict.INCONCLUSIVE, "", trial=Trial(paired_t([by - 3**0.5, by, by + 3**0.5]), 0.0))
    )


FELL = fell(3.3)
"""At p = 0.04."""


def trial(name: str, **changes: object) -> Claim:
    rule = {"name": "arm_beats", "experiment": "e"}
    return cited(name, **{"rule": rule, "chapter": "some/chapter"} | changes)


def test_every_claim_gets_a_verdict_and_a_reason(ledger):
    for item in ledger.values():
        assert item.judgement.reason, item.claim.id
        assert item.as_row()["verdict"] in set(Verdict)


def test_a_verdict_says_what_it_rests_on():
    tried = Judgement(Verdict.TREND, "It fell.", experiment="gpt1-pretraining")
    assert JudgedClaim(cited("a"), tried).basis == "experiment"
    assert JudgedClaim(cited("a"), Judgement(Verdict.CITED, "z")).basis == "citation"
    assert JudgedClaim(cited("a"), Judgement(Verdict.NOT_RUN, "z")).basis == "nothing yet"
    held = Judgement(Verdict.CONFIRMED, "z")
    assert JudgedClaim(cited("a"), held).basis == "reading"
    assert JudgedClaim(cited("a", rule={"name": "constructed"}), held).basis == "construction"
    assert JudgedClaim(cited("a", rule={"name": "recomputed"}), held).basis == "arithmetic"


def test_what_to_know_about_a_verdict_follows_its_reason():
    rule = {"name": "recomputed", "check": "part", "of": "other", "key": "a"}
    claim = cited("a", rule=rule, published=1, because="Rounded.")
    (found,) = judge([claim], Evidence(records={}, published={"other": {"a": 1}}))
    assert found.judgement.reason == "Recomputed from other, it agrees. Rounded."


def test_holm_takes_back_what_only_one_test_of_many_supports(monkeypatch):
    """Ten tests at p = 0.04 in a chapter: each alone would count, all together none does."""
    claims = [trial(f"c{i}") for i in range(10)]
    monkeypatch.setattr(module, "_judge_one", lambda claim, evidence: FELL)
    assert {j.judgement.verdict for j in judge(claims[:1], Evidence(records={}))} == {Verdict.TREND}
    many = judge(claims, Evidence(records={}))
    assert {j.judgement.verdict for j in many} == {Verdict.INCONCLUSIVE}
    assert many[0].judgement.reason.endswith(
        "one of 10 exploratory claims of its chapter (Holm's correction)."
    )
    apart = [trial(f"c{i}", chapter=f"some/{i:02}") for i in range(10)]
    assert {j.judgement.verdict for j in judge(apart, Evidence(records={}))} == {Verdict.TREND}


def test_interval_p_value_and_smallest_effect_are_those_of_the_level_that_decided(monkeypatch):
    monkeypatch.setattr(module, "_judge_one", lambda claim, evidence: FELL)
    alone, *many = (
        judge([trial(f"c{i}") for i in range(n)], Evidence(records={}))[0].judgement for n in (1, 2, 10)
    )
    assert [alone.level, *(each.level for each in many)] == [0.05, 0.025, 0.005]
    for n, found in zip((2, 10), many, strict=True):
        assert found.p_value == pytest.approx(min(1.0, n * FELL.trial.p_value))
        assert found.interval[0] < alone.interval[0] and found.mde > alone.mde


def test_a_primary_claim_is_neither_corrected_nor_a_test_for_others(monkeypatch):
    claims = [trial("a", primary=True), trial("b"), trial("c", primary=True)]
    monkeypatch.setattr(module, "_judge_one", lambda claim, evidence: FELL)
    assert [j.judgement.verdict for j in judge(claims, Evidence(records={}))] == [Verdict.TREND] * 3
    claims.append(trial("d"))
    found = [j.judgement.verdict for j in judge(claims, Evidence(records={}))]
    assert found == [Verdict.TREND, Verdict.INCONCLUSIVE, Verdict.TREND, Verdict.INCONCLUSIVE]


@pytest.mark.parametrize(
    "other",
    [
        Judgement(Verdict.NOT_RUN, "Needs a run."),
        Judgement(Verdict.INCONCLUSIVE, "2 seeds decide nothing.", n=2),
        Judgement(Verdict.INCONCLUSIVE, "No mean score is above the floor.", n=3),
        Judgement(Verdict.VOID, "The experiment fails its own check.", n=3),
    ],
    ids=["not run", "few seeds", "floor", "void"],
)
def test_a_test_without_a_p_value_counts_as_one(monkeypatch, other):
    """The other test must weigh the same whatever its data say: at p = 0.04 one of two does not survive."""
    found = {"a": FELL, "b": other}
    monkeypatch.setattr(module, "_judge_one", lambda claim, evidence: found[claim.id])
    first, second = judge([trial("a"), trial("b")], Evidence(records={}))
    assert first.judgement.verdict is Verdict.INCONCLUSIVE and "of 2 exploratory" in first.judgement.reason
    assert second.judgement == other
    found["a"] = fell(9.0)
    assert judge([trial("a"), trial("b")], Evidence(records={}))[0].judgement.verdict is Verdict.TREND


@pytest.mark.parametrize(
    ("verdict", "opposite"),
    [
        (Verdict.TREND, Verdict.NOT_REPLICATED),
        (Verdict.NOT_REPLICATED, Verdict.TREND),
        (Verdict.INCONCLUSIVE, Verdict.INCONCLUSIVE),
    ],
)
def test_a_mirror_takes_the_opposite_verdict_of_one_test(monkeypatch, verdict, opposite):
    """Alone or beside what it mirrors, and never as a test of its own."""
    found = Judgement(verdict, "It fell.", n=3)
    monkeypatch.setattr(module, "_judge_one", lambda claim, evidence: found)
    known = [trial("a"), cited("b", mirror_of="a")]
    monkeypatch.setattr(module, "load_claims", lambda: known)
    for item in (judge(known)[1], judge(known[1:])[0]):
        assert (item.judgement.verdict, item.judgement.n, item.basis) == (opposite, 3, "mirror")


def test_what_no_trained_model_judges_is_no_test_of_its_chapter(monkeypatch):
    claims = [
        trial("a"),
        trial("built", rule={"name": "constructed"}),
        trial("sum", rule={"name": "recomputed"}),
        cited("said", chapter="some/chapter"),
    ]
    held = Judgement(Verdict.AGREES, "It holds.")
    monkeypatch.setattr(module, "_judge_one", lambda claim, _: FELL if claim.id == "a" else held)
    assert judge(claims, Evidence(records={}))[0].judgement.verdict is Verdict.TREND


def test_a_claim_has_one_verdict_whichever_are_asked_with_it(monkeypatch):
    """A chapter may hold claims of several papers; asking for one paper, or one claim, splits it."""
    claims = [trial(f"c{i}", paper=f"p{i}") for i in range(3)]
    monkeypatch.setattr(module, "load_claims", lambda: claims)
    monkeypatch.setattr(module, "_judge_one", lambda claim, evidence: FELL)
    together = judge(claims, Evidence(records={}))
    assert [judge([claim], Evidence(records={}))[0] for claim in claims] == together
    assert {item.judgement.verdict for item in together} == {Verdict.INCONCLUSIVE}


@pytest.mark.parametrize(
    ("layers", "width", "paper", "verdict"),
    [
        (12, 768, "gpt1", Verdict.AGREES),
        (12, 767, "gpt1", Verdict.DEVIATES),
        (12, 768, "popular", Verdict.CONFIRMED),
        (12, 767, "popular", Verdict.PARTLY),
        (13, 767, "popular", Verdict.REFUTED),
    ],
)
def test_a_text_is_right_or_wrong_and_what_was_built_agrees_or_deviates(layers, width, paper, verdict):
    rule = {"name": "constructed", "probe": "size", "model": "gpt1"}
    claim = cited("a", paper=paper, rule=rule, published={"layers": layers, "d_model": width})
    assert judge([claim], Evidence(records={}))[0].judgement.verdict is verdict


@pytest.mark.parametrize(
    ("kept", "said"),
    [
        ([None, None, None], "not recorded"),
        ([{}, {}, {}], "amended after the run"),
        (["today", "today", None], "not recorded"),
        (["today", "today", "today"], "stated before the run"),
        (["today", "today", {"a": "0" * 64}], "amended after the run"),
    ],
    ids=["none kept", "rule came later", "one not kept", "all kept", "one began under another"],
)
def test_a_verdict_says_whether_its_rule_is_older_than_the_runs(kept, said):
    rule = {"name": "arm_beats", "experiment": "gpt1-zero-shot", "arm": {"arm": "x"}, "over": {"arm": "y"}}
    claim = trial("a", rule=rule)
    assert claim.rule is not None
    today = {"a": rule_hash(claim.rule.model_dump())}
    record = record_of(
        *(line([1.0 + gain, 1.1 + gain, 1.2], arm=arm) for arm, gain in (("x", 1), ("y", 0))),
        experiment="gpt1-zero-shot",
    )
    runs = [
        run.model_copy(update={"rules": today if rules == "today" else rules})
        for run, rules in zip(record.runs, kept, strict=True)
    ]
    evidence = Evidence(records={"gpt1-zero-shot": record.model_copy(update={"runs": runs})})
    assert judge([claim], evidence)[0].judgement.registration == said
