"""The ledger's files are complete and unambiguous; mistakes in them get one sentence."""

from __future__ import annotations

from pathlib import Path

import pytest

from gptrepro import storage
from gptrepro.claims import Claim, Evidence, Judgement, Verdict, judge, load_claims
from gptrepro.claims import ledger
from gptrepro.errors import GptreproError


def test_every_claim_gets_a_verdict_and_a_reason():
    for item in judge(load_claims()):
        assert item.judgement.reason, item.claim.id
        assert item.as_row()["verdict"] in set(Verdict)


def test_chapters_named_by_claims_exist():
    notebooks = storage.project_root() / "notebooks"
    for claim in load_claims():
        assert claim.chapter is None or (notebooks / f"{claim.chapter}.ipynb").exists(), claim.id


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("- {id: a, where: x, statement: y, kind: result}", "either a rule or no_rule"),
        ("- {id: a, where: x, statement: y, kind: result, no_rule: cited}", "says why"),
        ("- {id: a, where: x, statement: y, kind: gossip, no_rule: cited, because: z}", "kind"),
        ("- {id: a, where: [", "not valid YAML"),
        ("- {id: A B, where: x, statement: y, kind: result, no_rule: cited, because: z}", "claim A B: id"),
    ],
)
def test_a_damaged_file_is_named_with_its_claim(tmp_path: Path, text, sentence):
    (tmp_path / "gpt9.yml").write_text(text)
    with pytest.raises(GptreproError, match=sentence):
        load_claims(tmp_path)


def test_two_claims_of_one_name_are_refused(tmp_path: Path):
    row = "- {id: a, where: x, statement: y, kind: result, no_rule: cited, because: z}\n"
    (tmp_path / "gpt8.yml").write_text(row)
    (tmp_path / "gpt9.yml").write_text(row)
    with pytest.raises(GptreproError, match="Two claims are called a"):
        load_claims(tmp_path)


def test_holm_takes_back_what_only_one_test_of_many_supports(monkeypatch):
    """Ten tests at p = 0.04: each alone would count, all together none does."""
    claims = [
        Claim(id=f"c{i}", paper="p", where="x", statement="y", kind="result", no_rule="cited", because="z")
        for i in range(10)
    ]
    monkeypatch.setattr(
        ledger, "_judge_one", lambda claim, evidence: Judgement(Verdict.TREND, "It fell.", p_value=0.04)
    )
    assert {j.judgement.verdict for j in judge(claims[:1], Evidence(records={}))} == {Verdict.TREND}
    many = judge(claims, Evidence(records={}))
    assert {j.judgement.verdict for j in many} == {Verdict.INCONCLUSIVE}
    assert "Holm" in many[0].judgement.reason
