"""The verdicts worked out a second time, without the package, are those of the ledger."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from gptrepro.claims import Evidence, judge, load_claims
from gptrepro.claims import ledger as module
from gptrepro.experiments import EXPERIMENTS
from gptrepro.results import published_record
from gptrepro.results.record import as_text
from gptrepro.scales import Scale
from tests.claims.records import line, record_of
from tools import recompute_verdicts as tool


def test_it_needs_nothing_of_the_package():
    source = Path(tool.__file__).read_text()
    assert "import gptrepro" not in source and "from gptrepro" not in source


def test_every_trained_verdict_comes_out_the_same():
    claims = [c for c in load_claims() if c.mirror_of or (c.rule and "experiment" in c.rule.arguments)]
    found = tool.recompute()
    assert set(found) == {claim.id for claim in claims} and len(found) >= 30
    for item in judge(claims):
        ours, theirs = item.judgement, found[item.claim.id]
        assert (theirs.verdict, theirs.scale) == (str(ours.verdict), ours.scale), item.claim.id
        if ours.p_value is not None:
            record = published_record(ours.experiment, Scale(ours.scale))
            # Each side draws for itself what items replicate; for items alone the package corrects for skew.
            off_p, off = {"both": (5e-3, 1e-3), "item": (5e-3, 4e-3)}.get(
                record.replicated_over, (1e-9, 6e-4)
            )
            assert theirs.p_value == pytest.approx(ours.p_value, abs=off_p), item.claim.id
            assert theirs.interval == pytest.approx(ours.interval, abs=off), item.claim.id


@pytest.mark.parametrize("gain", [0.0, 0.2, 0.5])
def test_scores_on_shared_items_come_out_the_same_but_for_the_draws(monkeypatch, gain):
    rng = np.random.default_rng(0)
    hard = rng.uniform(size=(1, 80))
    arms = {arm: rng.uniform(size=(3, 80)) < hard + (gain if arm == "a" else 0) for arm in "ab"}
    name = "gpt1-zero-shot"
    record = record_of(
        *(line(list(right), arm=arm) for arm, right in arms.items()), experiment=name, over="both"
    )
    rule = {"name": "arm_beats", "experiment": name, "arm": {"arm": "a"}, "over": {"arm": "b"}}
    as_json = json.loads(as_text(record))
    test = tool.tested(rule, as_json, as_json)
    assert isinstance(test, tool.Test) and name in EXPERIMENTS
    claim = next(c for c in load_claims() if c.id == "gpt1-fig2-right-bias")
    claim = claim.model_copy(update={"rule": type(claim.rule)(**rule)})
    monkeypatch.setattr(module, "load_claims", lambda: [])
    (item,) = judge([claim], Evidence(records={name: record}))
    assert test.verdict(tool.ALPHA) == item.judgement.verdict
    assert test.effect.interval(tool.ALPHA) == pytest.approx(item.judgement.interval, abs=0.01)
