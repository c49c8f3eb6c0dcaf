"""Rules of the ledger on records of another scale: points, floors and numbers of items are the record's own.

The records are made up: decoders of 8 layers, 20,000 labelled rows, 5,000 items, as a larger run has them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from gptrepro.claims import Evidence, Judgement, Verdict, judging, load_claims
from gptrepro.claims.rules import apply_rule
from gptrepro.scales import Scale
from tests.claims.records import Line, line, record_of

CLAIMS = {claim.id: claim for claim in load_claims()}


@pytest.fixture(autouse=True)
def _fresh(monkeypatch):
    monkeypatch.setattr(judging, "stale_reason", lambda record, experiment: None)


def judged(claim: str, *lines: Line, **config: Any) -> Judgement:
    """What the rule of a claim says of a record at gpu scale."""
    rule = CLAIMS[claim].rule
    assert rule is not None
    name = rule.arguments["experiment"]
    record = record_of(*lines, experiment=name, scale=Scale.GPU).model_copy(update={"config": config})
    return apply_rule(rule.name, CLAIMS[claim].published, Evidence(records={name: record}), rule.arguments)


def seeds(mean: float, spread: float = 0.2) -> list[float]:
    return [mean - spread, mean, mean + 0.9 * spread]


def test_all_layers_that_the_model_has_are_judged():
    """Layers 5 to 8 carry the whole effect, which the first four do not show."""
    means = [50.0, 50.1, 50.0, 50.1, 50.2, 52.0, 54.0, 56.0, 58.0]
    lines = [
        line(seeds(mean), "accuracy", task="mnli-m", arm=f"layers_{n}", layers=n, rows=20_000)
        for n, mean in enumerate(means)
    ]
    found = judged("gpt1-fig2-left", *lines)
    assert found.verdict is Verdict.TREND and found.size == pytest.approx(8.0)
    assert found.compared == pytest.approx({"embeddings alone": 49.99, "8 layers": 57.99}, abs=0.02)


def multiple_choice(**scores: float) -> list[Line]:
    return [
        line(seeds(score), "accuracy", task=task, arm=arm, rows=8768)
        for task in ("commonsenseqa", "dream")
        for arm, score in scores.items()
    ]


def test_the_floor_is_the_constant_answer_of_the_record():
    """A laptop's 51.5, of other tasks, would leave 45 against 30 undecided for ever."""
    for scores, expected in (
        ({"full": 45, "scratch": 30, "frozen": 40, "majority": 27}, Verdict.TREND),
        ({"full": 28, "scratch": 20, "frozen": 26, "majority": 27}, Verdict.INCONCLUSIVE),
    ):
        found = judged("gpt1-ablation-pretrain-long-rows", *multiple_choice(**scores), test_rows=2000)
        assert found.verdict is expected


@pytest.mark.parametrize(("items", "expected"), [(500, Verdict.INCONCLUSIVE), (5000, Verdict.TREND)])
def test_more_items_lower_the_floor(items, expected):
    """From guessing to 0.54 is within the luck of 500 items, and beyond that of 1,821."""
    fractions = [2.0**-i for i in range(6, -1, -1)]
    lines = [
        line(seeds(mean, 0.002), "auc", task="sentiment", arm="decoder", fraction=fraction)
        for fraction, mean in zip(fractions, np.linspace(0.5, 0.54, 7).tolist(), strict=True)
    ]
    assert judged("gpt1-fig2-right-sentiment", *lines, items=items).verdict is expected


def by_rows(gains: Sequence[float], counts: Sequence[int]) -> list[Line]:
    lines = [
        line(seeds(60.0 + (gain if arm == "full" else 0.0), 0.2), "accuracy", task=task, arm=arm, rows=n)
        for task in ("sst2", "sick")
        for n, gain in zip(counts, gains, strict=True)
        for arm in ("full", "scratch")
    ]
    probe = [
        line(seeds(50.0), "accuracy", task=task, arm="frozen", rows=counts[-1]) for task in ("sst2", "sick")
    ]
    return [*lines, *probe]


def test_all_numbers_of_rows_are_judged():
    """The gain shrinks only beyond the 2,000 rows of a laptop."""
    found = judged("gpt1-gain-by-rows", *by_rows([5.0, 5.0, 5.0, 1.0], [100, 500, 2000, 20_000]))
    assert found.verdict is Verdict.TREND and "20,000 rows" in "".join(found.compared)
