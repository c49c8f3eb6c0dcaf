"""The search for settings is the same for every arm, and what it chose is what the reported runs use."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from gptrepro.experiments.base import Unit, UnitOver
from gptrepro.experiments.gpt1.fine_tuning import FINE_TUNING
from gptrepro.experiments.gpt1.fine_tuning_settings import (
    FINE_TUNING_SETTINGS,
    LSTM_FINE_TUNING_SETTINGS,
    dev_score_name,
)
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


def test_the_reported_runs_use_what_the_published_pilot_chose() -> None:
    record = published_record(FINE_TUNING_SETTINGS.name, Scale.LAPTOP)
    if record is None:
        pytest.skip("no pilot is published")
    for name, arm in FINE_TUNING.config(Scale.LAPTOP).arms.items():
        assert arm.peak_learning_rate == record.metric(f"best_rate_{name}")[0]
        assert arm.updates == record.metric(f"best_updates_{name}")[0]


def test_every_rate_is_tried_for_every_arm_and_pieces_give_the_same(tmp_path: Path) -> None:
    config = FINE_TUNING_SETTINGS.config(Scale.SMOKE)
    whole = FINE_TUNING_SETTINGS.measure(config, Unit(0, tmp_path / "whole", tmp_path / "prepared"))
    for name in config.arms:
        tried = {rate: whole.metrics[dev_score_name(name, rate, config.updates[0])] for rate in config.rates}
        assert whole.metrics[f"best_rate_{name}"] == max(tried, key=tried.__getitem__)
    for _ in range(800):
        try:
            unit = Unit(0, tmp_path / "pieces", tmp_path / "prepared", deadline=time.monotonic())
            pieces = FINE_TUNING_SETTINGS.measure(config, unit)
            break
        except UnitOver:
            continue
    assert pieces.metrics == whole.metrics
