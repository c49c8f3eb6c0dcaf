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
from gptrepro.claims.claim import TEXTS

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
        "popular": 38,
        "contradiction": 26,
    }


def test_every_fact_can_be_found():
    found = frozenset[str]().union(*(claim.facts for claim in load_claims()))
    assert [name for names in listed().values() for name in names if name not in found] == []


@pytest.mark.parametrize("kind", ["popular", "contradiction"])
def test_claims_about_the_papers_are_in_their_own_file_or_are_a_papers_own(kind):
    """What repeats a claim of a paper, or contradicts one, is that paper's row: one fact, one verdict."""
    by_id = {claim.id: claim for claim in load_claims()}
    own = {name for name in listed()[kind] if name in by_id}
    assert {by_id[name].paper for name in own} == {STATED_BY[kind]}
    papers = set().union(*(claim.covers for claim in by_id.values() if claim.paper not in STATED_BY.values()))
    assert set(listed()[kind]) - own <= papers


def test_what_is_said_about_the_papers_is_settled():
    """A text is right or wrong by a rule or by reading; nobody's word is carried over."""
    for claim in load_claims():
        assert claim.paper not in STATED_BY.values() or claim.no_rule != "cited", claim.id


def test_what_the_papers_state_holds_but_where_we_know(ledger):
    """A new disagreement is a finding or a mistake: either way someone has to look."""
    ruled = {
        name: item.judgement.verdict
        for name, item in ledger.items()
        if item.basis in ("construction", "arithmetic") and item.judgement.verdict.disagrees
    }
    assert {name: verdict for name, verdict in ruled.items() if not name.startswith("dis-")} == {
        "gpt3-size-xl": Verdict.DEVIATES,
        "gpt3-size-13b": Verdict.DEVIATES,
        "gpt3-d1-attention": Verdict.PARTLY,
        "gpt3-anli-size": Verdict.PARTLY,
        "gpt3-contam-winograd": Verdict.REFUTED,
        "gpt3-tables-against-h1": Verdict.PARTLY,
        "err-gpt3-175-trillion": Verdict.REFUTED,
        "err-gpt1-case": Verdict.REFUTED,
        "err-gpt1-eq1": Verdict.REFUTED,
        "err-query-is-source": Verdict.REFUTED,
        "err-gpt3-few-not-zero": Verdict.REFUTED,
        "err-tokens-30x": Verdict.PARTLY,
        "err-gpt1-vocab-40000": Verdict.PARTLY,
        "err-gpt1-no-oov": Verdict.PARTLY,
        "err-qkv-source-target": Verdict.PARTLY,
        "err-block-figure": Verdict.PARTLY,
        "err-gpt3-corpora": Verdict.PARTLY,
    }
    partly = {
        name for name, verdict in ruled.items() if verdict is Verdict.PARTLY and name.startswith("dis-")
    }
    assert partly == {
        f"dis-{name}"
        for name in [
            "gpt1-params",
            "gpt1-aux",
            "gpt3-mix",
            "gpt3-200b",
            "gpt3-3d-add",
            "gpt3-scramble",
            "gpt3-arith-claim",
        ]
    }
    agreeing = {name for name in ledger if name.startswith("dis-")} - set(ruled)
    assert agreeing == {
        f"dis-{name}"
        for name in [
            "gpt1-lstm-avg",
            "gpt1-roc",
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


def test_each_kind_of_evidence_has_its_own_words(ledger):
    """A reader who filters "not replicated" gets experiments, and no misprints or builds."""
    words = {
        "construction": {Verdict.AGREES, Verdict.DEVIATES},
        "arithmetic": {Verdict.CONFIRMED, Verdict.PARTLY, Verdict.REFUTED},
        "reading": {Verdict.CONFIRMED, Verdict.PARTLY, Verdict.REFUTED, Verdict.INCONCLUSIVE},
        "citation": {Verdict.CITED},
        "nothing yet": {Verdict.NOT_RUN},
    }
    of_text = words["arithmetic"]
    for item in ledger.values():
        verdict, basis = item.judgement.verdict, item.basis
        if basis in ("experiment", "mirror"):
            assert verdict.empirical or verdict is Verdict.NOT_RUN
        elif verdict is not Verdict.NOT_RUN:
            assert verdict in (
                of_text if item.claim.paper in TEXTS and basis == "construction" else words[basis]
            )


def test_tables_are_small_and_used():
    tables = storage.project_root() / "data" / "claims" / "tables"
    used = {claim.table for claim in load_claims()}
    for path in tables.iterdir():
        assert path.stem in used
        assert path.stat().st_size < 100_000
