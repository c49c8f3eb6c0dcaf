"""The search for settings is the same for every arm, and what it chose is what the reported runs use."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from gptrepro.experiments.base import Experiment, Unit, UnitOver
from gptrepro.experiments.gpt1.fine_tuning import FINE_TUNING, LSTM_FINE_TUNING
from gptrepro.experiments.gpt1.fine_tuning_settings import (
    FINE_TUNING_SETTINGS,
    LSTM_FINE_TUNING_SETTINGS,
)
from gptrepro.experiments.sweeps import best_setting
from gptrepro.results import published_record
from gptrepro.scales import Scale


def test_the_lstm_is_tuned_like_the_others() -> None:
    for scale in LSTM_FINE_TUNING_SETTINGS.configs:
        ours, its = FINE_TUNING_SETTINGS.config(scale), LSTM_FINE_TUNING_SETTINGS.config(scale)
        for shared in ("tasks", "updates", "batch_size", "dev_rows"):
            assert getattr(ours, shared) == getattr(its, shared)
        fractions, its_fractions = (
            [rate / tried.pretraining.peak_learning_rate for rate in tried.rates] for tried in (ours, its)
        )
        assert its_fractions == pytest.approx(fractions)
        assert ours.pretraining.tokens == its.pretraining.tokens


def test_the_arms_are_those_that_are_reported() -> None:
    for scale in FINE_TUNING_SETTINGS.configs:
        tuned, reported = FINE_TUNING_SETTINGS.config(scale), FINE_TUNING.config(scale)
        assert set(tuned.arms) == set(reported.arms)
        for name, arm in tuned.arms.items():
            assert (arm.layers, arm.lm_weight) == (reported.arms[name].layers, reported.arms[name].lm_weight)
        assert tuned.batch_size == reported.batch_size


@pytest.mark.parametrize(
    ("pilot", "reported"),
    [(FINE_TUNING_SETTINGS, FINE_TUNING), (LSTM_FINE_TUNING_SETTINGS, LSTM_FINE_TUNING)],
    ids=["decoder", "lstm"],
)
def test_the_reported_runs_use_what_the_published_pilot_chose(
    pilot: Experiment[Any], reported: Experiment[Any]
) -> None:
    record = published_record(pilot.name, Scale.LAPTOP)
    if record is None:
        pytest.skip("no pilot is published")
    config = pilot.config(Scale.LAPTOP)
    for name, arm in reported.config(Scale.LAPTOP).arms.items():
        rows = record.select(score="dev_mean", arm=name)
        best = best_setting(rows, {"rate": config.rates, "updates": config.updates})
        assert best.setting == {"rate": arm.peak_learning_rate, "updates": arm.updates}


def test_every_rate_is_tried_for_every_arm_and_pieces_give_the_same(tmp_path: Path) -> None:
    config = FINE_TUNING_SETTINGS.config(Scale.SMOKE)
    whole = FINE_TUNING_SETTINGS.measure(config, Unit(0, tmp_path / "whole", tmp_path / "prepared"))
    for name in config.arms:
        rows = [row for row in whole.rows if row["arm"] == name]
        by_rate = {row["rate"]: row["value"] for row in rows if row["updates"] == config.updates[0]}
        assert tuple(by_rate) == config.rates
        best = max(by_rate, key=by_rate.__getitem__)
        assert tuple(row["updates"] for row in rows if row["rate"] == best) == config.updates
    one = config.model_copy(update={"arms": dict([next(iter(config.arms.items()))])})
    for _ in range(100):
        try:
            unit = Unit(0, tmp_path / "pieces", tmp_path / "prepared", deadline=time.monotonic())
            pieces = FINE_TUNING_SETTINGS.measure(one, unit)
            break
        except UnitOver:
            continue
    assert pieces.rows == [row for row in whole.rows if row["arm"] in one.arms]
