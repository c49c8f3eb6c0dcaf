"""Every recomputation can fail: with other inputs it gives another value, with another claim it disagrees."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import pytest

from gptrepro.claims import Claim, Evidence, Verdict, judge, load_claims
from gptrepro.claims.arithmetic import CHECKS

RECOMPUTED = [claim for claim in load_claims() if claim.rule and claim.rule.name == "recomputed"]
FIGURES = {claim.id: claim.figures for claim in load_claims() if claim.figures is not None}


def inputs_of(claim: Claim) -> list[str]:
    of = claim.rule.arguments["of"] if claim.rule else []
    return [of] if isinstance(of, str) else list(of.values() if isinstance(of, dict) else of)


def shaken(value: Any, noise: random.Random) -> Any:
    """The same figures, each number moved at random."""
    if isinstance(value, dict):
        return {key: shaken(item, noise) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [shaken(item, noise) for item in value]
    if isinstance(value, bool) or not isinstance(value, int | float):
        return value
    return value * 10 ** noise.uniform(-1.5, 1.5) + noise.uniform(0.1, 1.0)


def other_inputs(claim: Claim) -> Iterator[dict[str, Any]]:
    """Figures in which the inputs of a claim are moved, or lack half of their rows."""
    for seed in range(5):
        noise = random.Random(seed)
        yield FIGURES | {name: shaken(FIGURES[name], noise) for name in inputs_of(claim)}
    tables = [name for name in inputs_of(claim) if isinstance(FIGURES[name], tuple)]
    yield FIGURES | {name: FIGURES[name][: len(FIGURES[name]) // 2] for name in tables}


def judged(claim: Claim, figures: dict[str, Any]) -> Any:
    (item,) = judge([claim], Evidence(records={}, published=figures))
    return item.judgement


def test_every_check_is_used():
    used = {claim.rule.arguments["check"] for claim in RECOMPUTED if claim.rule}
    assert set(CHECKS) - used == set()


@pytest.mark.parametrize("claim", RECOMPUTED, ids=lambda claim: claim.id)
def test_no_number_is_compared_with_itself(claim):
    assert claim.id not in inputs_of(claim)
    assert inputs_of(claim) or claim.id == "err-sinusoid"


@pytest.mark.parametrize(
    "claim", [claim for claim in RECOMPUTED if inputs_of(claim)], ids=lambda claim: claim.id
)
def test_other_inputs_give_another_value(claim):
    before = judged(claim, FIGURES).measured
    assert any(judged(claim, figures).measured != before for figures in other_inputs(claim))


@pytest.mark.parametrize("claim", RECOMPUTED, ids=lambda claim: claim.id)
def test_another_claim_disagrees(claim):
    """Each number moved far, each yes turned to no, each list longer: none that held may pass."""
    if judged(claim, FIGURES).verdict is not Verdict.CONSISTENT:
        return

    def wrong(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: wrong(item) for key, item in value.items()}
        if isinstance(value, bool):
            return not value
        if isinstance(value, int | float):
            return 3 * value + 1000
        return [*value, "one more"] if isinstance(value, list) else f"not {value}"

    found = judged(claim.model_copy(update={"published": wrong(claim.published)}), FIGURES)
    assert found.verdict is Verdict.NOT_REPLICATED
