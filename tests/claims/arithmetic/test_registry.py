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
    of = claim.rule.arguments.get("of", []) if claim.rule else []
    return [of] if isinstance(of, str) else list(of.values() if isinstance(of, dict) else of)


def shaken(value: Any, noise: random.Random) -> Any:
    """The same figures, each number made smaller at random: shares stay shares."""
    if isinstance(value, dict):
        return {key: shaken(item, noise) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [shaken(item, noise) for item in value]
    if isinstance(value, bool) or not isinstance(value, int | float):
        return value
    return value * 10 ** noise.uniform(-1.5, 0)


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


def wrong(value: Any) -> Any:
    """Each number moved far, each yes turned to no, each list longer."""
    if isinstance(value, dict):
        return {key: wrong(item) for key, item in value.items()}
    if isinstance(value, bool):
        return not value
    if isinstance(value, int | float):
        return 3 * value + 1000
    return [*value, "one more"] if isinstance(value, list) else f"not {value}"


@pytest.mark.parametrize("claim", RECOMPUTED, ids=lambda claim: claim.id)
def test_a_recomputation_can_fail(claim):
    """It takes other numbers than its own, moves with them, and no wrong claim passes where it held."""
    assert claim.id not in inputs_of(claim), "a number is compared with itself"
    assert inputs_of(claim) or claim.id == "err-sinusoid"
    before = judged(claim, FIGURES)
    assert not inputs_of(claim) or any(
        judged(claim, figures).measured != before.measured for figures in other_inputs(claim)
    ), "other inputs give the same value"
    if before.verdict is Verdict.CONFIRMED:
        other = claim.model_copy(update={"published": wrong(claim.published)})
        assert judged(other, FIGURES).verdict.disagrees, "any claim would pass"


ROWS = [
    {"model": "a", "setting": "few", "score": 1},
    {"model": "a", "setting": "one", "score": 2},
    {"model": "b", "setting": "few", "score": 3},
]


@pytest.mark.parametrize(
    ("table", "where", "by", "picked"),
    [
        (ROWS, {"setting": "few"}, "model", {"a": 1, "b": 3}),
        (ROWS, {"setting": "few", "model": ["b", "c"]}, "model", {"b": 3}),
        (ROWS, {"setting": "one"}, None, 2),
        ({"x": {"score": 4}, "y": {"score": 5}}, {"name": ["y"]}, "name", {"y": 5}),
    ],
)
def test_cells_are_picked_by_their_columns(table, where, by, picked):
    assert CHECKS["cells"](table, "score", where, by) == picked


def test_a_printed_mean_is_put_beside_its_columns():
    assert CHECKS["printed_means"]({"x": {"a": 1, "b": 2.5, "mean": 1.7}}, "mean") == {"x": -0.05}


def test_one_cell_is_one_cell():
    with pytest.raises(ValueError, match="too many values"):
        CHECKS["cells"](ROWS, "score", {"setting": "few"})
