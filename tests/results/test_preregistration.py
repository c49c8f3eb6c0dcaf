"""Hashes of rules: they follow all that decides a verdict before there are data, and nothing else."""

from __future__ import annotations

from dataclasses import replace

from gptrepro import storage
from gptrepro.claims import load_claims
from gptrepro.experiments import base
from gptrepro.experiments.base import NotBelow
from gptrepro.results.preregistration import rule_hash, rules_on

RULE = {"name": "arm_beats", "experiment": "coin", "over": {"arm": "b"}, "minimum": 1.0}


def test_the_hash_follows_the_rule_its_rank_and_the_check_of_its_experiment(coin, monkeypatch):
    before = rule_hash(RULE)
    assert rule_hash(dict(reversed(RULE.items()))) == before
    others = [rule_hash(RULE | {"minimum": 0.5}), rule_hash(RULE, primary=True)]
    checked = replace(coin, valid_if=NotBelow(arm={"arm": "a"}, over={"arm": "b"}))
    monkeypatch.setitem(base.EXPERIMENTS, "coin", checked)
    assert len({before, *others, rule_hash(RULE)}) == 4


def test_a_run_keeps_the_rules_that_read_it_as_the_ledger_hashes_them():
    """What the ledger compares later is the claim as it was loaded, not the text of its file."""
    name = "gpt1-zero-shot"
    reading = {
        claim.id: rule_hash(claim.rule.model_dump(), primary=claim.primary)
        for claim in load_claims()
        if claim.rule and name in (claim.rule.arguments.get(role) for role in ("experiment", "rival"))
    }
    assert rules_on(name) == reading and "gpt1-fig2-right-lstm" in reading


def test_an_experiment_that_no_rule_reads_has_none(tmp_path, monkeypatch):
    (tmp_path / "data" / "claims").mkdir(parents=True)
    (tmp_path / "data" / "claims" / "p.yml").write_text("- {id: a, rule: {name: arm_beats, experiment: e}}")
    monkeypatch.setattr(storage, "project_root", lambda: tmp_path)
    assert rules_on("f") == {} and set(rules_on("e")) == {"a"}
