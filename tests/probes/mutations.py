"""What the tests of all probes share: a probe's claims, and what it measures before and after a change."""

from __future__ import annotations

from typing import Any

from gptrepro.claims import Claim, load_claims
from gptrepro.probes import forget, probe

CLAIMS: dict[str, list[Claim]] = {}
"""The claims that each probe judges."""
for _claim in load_claims():
    if _claim.rule is not None and _claim.rule.name == "constructed":
        CLAIMS.setdefault(_claim.rule.arguments["probe"], []).append(_claim)


def models_of(name: str) -> list[str]:
    """The published models that claims probe with ``name``, each once."""
    found: dict[str, None] = {}
    for claim in CLAIMS[name]:
        model = (claim.rule.arguments if claim.rule else {}).get("model", [])
        found |= dict.fromkeys(model if isinstance(model, list) else [model])
    return list(found)


def measured(name: str, model: str | None = None) -> Any:
    """What a probe finds, on models built anew."""
    forget()
    return probe(name, model)
