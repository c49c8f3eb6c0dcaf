"""What rules may look at: given records and figures, or else the published ones."""

from __future__ import annotations

import pytest

from gptrepro.claims import Evidence, evidence, load_claims
from gptrepro.errors import GptreproError


def test_given_evidence_stands_in_for_the_published():
    given = Evidence(records={}, published={"a": 1})
    assert not given.by_scale("gpt1-pretraining")
    assert given.figures("a") == 1
    with pytest.raises(GptreproError, match="No claim 'b'"):
        given.figures("b")


def test_without_any_the_published_are_read_and_read_once(monkeypatch):
    asked = []
    monkeypatch.setattr(evidence, "published_records", lambda name: asked.append(name) or [])
    found = Evidence()
    assert not found.by_scale("x") and not found.by_scale("x")
    assert asked == ["x"]
    claim = next(claim for claim in load_claims() if claim.published is not None)
    assert found.figures(claim.id) == claim.published
