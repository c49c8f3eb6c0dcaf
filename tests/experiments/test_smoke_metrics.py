"""Every experiment gives its committed rows at smoke scale, or somebody raises its version.

A record's digest knows nothing of source text. This test is what notices that code now measures something
else: then raise the experiment's ``version`` (published records become stale) or explain in the commit why
the change is neutral, and renew the file with

    pytest tests/experiments/test_smoke_metrics.py --renew-smoke-metrics
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from gptrepro.experiments import EXPERIMENTS
from gptrepro.results import obtain
from gptrepro.results.record import laid_out
from gptrepro.scales import Scale

COMMITTED = Path(__file__).with_name("smoke_metrics.json")

COUNTS_ROWS = {
    "gpt1-auxiliary-objective": 15.0,
    "gpt1-fine-tuning": 15.0,
    "gpt1-fine-tuning-long-rows": 15.0,
    "gpt1-fine-tuning-settings": 15.0,
    "gpt1-lstm-fine-tuning": 15.0,
    "gpt1-lstm-fine-tuning-settings": 15.0,
    "gpt1-transfer": 15.0,
    "gpt1-zero-shot": 0.03,
    "gpt1-lstm-zero-shot": 0.03,
}
"""Experiments that score a few dozen rows as right or wrong, of which another processor's rounding may turn
one or two, and how far that moves a score."""


def by_coordinates(rows: list[dict[str, Any]]) -> dict[str, float]:
    """The value at each place; two rows at one place would hide each other."""
    found = {
        json.dumps({name: at for name, at in row.items() if name != "value"}, sort_keys=True): row["value"]
        for row in rows
    }
    assert len(found) == len(rows), "two rows share all their coordinates"
    return found


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_smoke_metrics_are_the_committed_ones(name, request, monkeypatch, tmp_path):
    monkeypatch.setenv("GPTREPRO_THREADS", "1")
    record = obtain(name, scale=Scale.SMOKE, run="missing")
    assert record is not None
    measured = {"version": record.version, "rows": record.runs[0].rows}
    known = json.loads(COMMITTED.read_text()) if COMMITTED.exists() else {}
    if request.config.getoption("--renew-smoke-metrics"):
        COMMITTED.write_text(laid_out(dict(sorted((known | {name: measured}).items()))) + "\n")
        pytest.skip("renewed")
    assert name in known, f"{name} has no committed smoke metric: run this test with --renew-smoke-metrics"
    assert by_coordinates(measured["rows"]) == pytest.approx(
        by_coordinates(known[name]["rows"]), rel=2e-4, abs=COUNTS_ROWS.get(name)
    ), (
        f"{name} measures something else than its committed smoke metrics: raise its version, or explain why "
        "the change is neutral, and run this test with --renew-smoke-metrics"
    )
    assert measured["version"] == known[name]["version"], "renew the smoke metrics with --renew-smoke-metrics"
