"""Nothing that the papers state is missing from the ledger, and its verdicts are the ones we know of.

``facts.txt`` lists what the ledger was made from: the facts of the papers, popular claims about them, and
places where they contradict themselves.
"""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import pytest

from gptrepro import storage
from gptrepro.claims import Verdict, load_claims

STATED_BY = {"popular": "popular", "contradiction": "contradictions"}


def listed() -> dict[str, list[str]]:
    by_kind: dict[str, list[str]] = defaultdict(list)
    for line in (Path(__file__).parent / "facts.txt").read_text().splitlines():
        kind, name = line.split()
        by_kind[kind].append(name)
    return by_kind


def test_the_list_is_complete():
    assert {kind: len(names) for kind, names in listed().items()} == {
        "fact": 333,
        "popular": 37,
        "contradiction": 26,
    }


def test_every_fact_can_be_found():
    found = frozenset[str]().union(*(claim.facts for claim in load_claims()))
    assert [name for names in listed().values() for name in names if name not in found] == []


@pytest.mark.parametrize("kind", ["popular", "contradiction"])
def test_claims_about_the_papers_are_in_their_own_file(kind):
    by_id = {claim.id: claim for claim in load_claims()}
    assert {by_id[name].paper for name in listed()[kind]} == {STATED_BY[kind]}


def test_what_reading_settles_begins_with_the_finding():
    findings = ("Right", "Wrong", "Partly", "Incomplete", "Overstated", "Unsupported", "Undecided")
    for claim in load_claims():
        if claim.paper in STATED_BY.values() and claim.no_rule == "cited":
            assert claim.because is not None and claim.because.startswith(findings), claim.id


def test_what_the_papers_state_holds_but_where_we_know(ledger):
    """A new disagreement is a finding or a mistake: either way someone has to look."""
    disagreeing = {
        name
        for name, item in ledger.items()
        if item.judgement.verdict is Verdict.NOT_REPLICATED and item.basis not in ("experiment", "mirror")
    }
    assert {name for name in disagreeing if not name.startswith(("err-", "dis-"))} == {
        "gpt2-code-init",
        "gpt3-size-xl",
        "gpt3-size-13b",
        "gpt3-tables-against-h1",
    }
    assert {name for name in disagreeing if name.startswith("err-")} == {
        f"err-{name}"
        for name in [
            "gpt3-175-trillion",
            "tokens-30x",
            "gpt1-case",
            "gpt1-vocab-40000",
            "gpt1-no-oov",
            "gpt1-eq1",
            "qkv-source-target",
            "block-figure",
            "gpt3-few-not-zero",
            "gpt3-corpora",
        ]
    }
    agreeing = {name for name in ledger if name.startswith("dis-")} - disagreeing
    assert agreeing == {
        f"dis-{name}"
        for name in [
            "gpt3-mix-webtext2",
            "gpt3-bleu-label",
            "gpt3-cc-40",
            "gpt2-lambada",
            "secondary-gpt1-size",
            "gpt3-participants",
        ]
    }


def test_what_can_be_built_is_measured(ledger):
    """A probe that breaks gives "not run", which looks like a claim that nobody has got to yet."""
    left_out = {
        name: item.judgement.reason
        for name, item in ledger.items()
        if item.claim.rule is not None
        and item.claim.rule.name == "constructed"
        and item.claim.rule.arguments["probe"] != "gpt2_vocabulary"  # its files may be out of reach
        and item.judgement.verdict is Verdict.NOT_RUN
    }
    assert left_out == {}, "mend the probe, or give the claim no_rule with a reason"


def test_what_an_experiment_did_not_decide_stays_out_of_the_empirical_verdicts(ledger):
    for item in ledger.values():
        if item.basis not in ("experiment", "mirror"):
            assert item.judgement.verdict in (
                Verdict.CONSISTENT,
                Verdict.NOT_REPLICATED,
                Verdict.NOT_RUN,
                Verdict.CITED,
            )


def test_tables_are_small_and_used():
    tables = storage.project_root() / "data" / "claims" / "tables"
    used = {claim.table for claim in load_claims()}
    for path in tables.iterdir():
        assert path.stem in used
        assert path.stat().st_size < 100_000
