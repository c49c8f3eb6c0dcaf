"""The ledger, judged once."""

from __future__ import annotations

import pytest

from gptrepro.claims import JudgedClaim, judge, load_claims


@pytest.fixture(scope="session")
def ledger() -> dict[str, JudgedClaim]:
    """Every claim with its verdict on the published records, by id."""
    return {item.claim.id: item for item in judge(load_claims())}
