"""The papers' values stay as they were when each was compared with its paper, number by number.

A value that no rule recomputes could be mistyped by anybody, and no other test would fail. ``values.txt``
holds a digest for each claim: of what it publishes (its table included), and of the rule with its tolerances
where it needs no experiment.
"""

from __future__ import annotations

from pathlib import Path

from gptrepro import storage
from gptrepro.claims import Claim, load_claims
from gptrepro.claims.rules import TRAINED

CHECKED = Path(__file__).parent / "values.txt"


def digest(claim: Claim) -> str:
    rule = claim.rule.model_dump() if claim.rule and claim.rule.name not in TRAINED else None
    return storage.sha256_text(storage.canonical_json({"figures": claim.figures, "rule": rule}))[:12]


def test_values_are_those_that_were_checked_against_the_papers():
    checked = dict(line.split() for line in CHECKED.read_text().splitlines())
    now = {claim.id: digest(claim) for claim in load_claims() if claim.figures is not None}
    changed = sorted(name for name in now if checked.get(name) != now[name])
    lines = "\n".join(f"{name} {now[name]}" for name in changed)
    assert not changed, f"look these values up in their papers, then write into {CHECKED.name}:\n{lines}"
    assert checked.keys() == now.keys(), f"{CHECKED.name} names claims that are gone: delete their lines"
