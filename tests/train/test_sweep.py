"""Sweeps: complete, resumable, and honest about divergence."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from gptrepro.errors import GptreproError
from gptrepro.train.sweep import SweepResult, SweepTraining, sweep
from tests.train.tiny import tiny_batches, tiny_model, tiny_settings

RATES, SEEDS = (1e-3, 1e-2), (0, 1)


def run(folder: Path, made: list[int] | None = None, rates: Any = RATES, **options: Any) -> SweepResult:
    def make(seed: int) -> SweepTraining:
        if made is not None:
            made.append(seed)
        return SweepTraining(tiny_model(), tiny_batches(), lambda model: {"nll": float(seed)})

    settings = tiny_settings(steps=6, **options.pop("settings", {}))
    return sweep(make, settings, rates, SEEDS, folder, device="cpu", progress=False, **options)


def test_it_trains_every_rate_with_every_seed(tmp_path: Path) -> None:
    result = run(tmp_path)
    assert [(row.peak_lr, row.seed) for row in result.rows] == [(r, s) for r in RATES for s in SEEDS]
    assert [row.metrics["nll"] for row in result.rows] == [0.0, 1.0, 0.0, 1.0]
    assert len({row.metrics["loss"] for row in result.rows}) == 4
    assert result.finished
    assert not list(tmp_path.glob("*/checkpoints"))


def test_it_goes_on_where_it_stopped_and_repeats_nothing(tmp_path: Path) -> None:
    expected = run(tmp_path / "whole")
    made: list[int] = []
    result = SweepResult([], finished=False)
    while not result.finished:
        result = run(tmp_path / "pieces", made, stop_after_seconds=1e-6)
    assert result == expected
    assert len(made) == 4 * 6  # a call gives each training that it touches one update
    made.clear()
    assert run(tmp_path / "pieces", made) == expected
    assert made == []


def test_a_divergent_rate_is_an_outcome(tmp_path: Path) -> None:
    result = run(tmp_path, rates=(1e-2, 1e30), settings={"clip_norm": None})
    assert [row.diverged for row in result.rows] == [False, False, True, True]
    assert run(tmp_path, [], rates=(1e-2, 1e30), settings={"clip_norm": None}) == result


def test_other_settings_are_refused(tmp_path: Path) -> None:
    run(tmp_path)
    with pytest.raises(GptreproError, match="other settings"):
        run(tmp_path, settings={"weight_decay": 0.5})


def test_a_damaged_outcome_is_one_sentence(tmp_path: Path) -> None:
    run(tmp_path)
    outcome = next(tmp_path.glob("*/outcome.json"))
    outcome.write_text('{"settings": {}}')
    with pytest.raises(GptreproError, match="delete it, and the training is repeated"):
        run(tmp_path)
