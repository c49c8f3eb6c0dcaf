"""A sweep shares everything but the rate, goes on where it stopped, and takes any network and tokenizer."""

from __future__ import annotations

import pytest

from gptrepro.experiments.background.learning_curves import LEARNING_CURVES
from gptrepro.experiments.base import Unit, UnitOver
from gptrepro.experiments.gpt1.pretraining import (
    LEARNING_RATE,
    LSTM_LEARNING_RATE,
    LSTM_PRETRAINING,
    PRETRAINING,
)
from gptrepro.experiments.learning_rate_sweep import LearningRateSweep, measure
from gptrepro.experiments.sweeps import best_setting
from gptrepro.results import published_record
from gptrepro.scales import Scale

SWEEPS = ((PRETRAINING, LEARNING_RATE), (LSTM_PRETRAINING, LSTM_LEARNING_RATE))

each_sweep = pytest.mark.parametrize(("training", "swept"), SWEEPS, ids=lambda experiment: experiment.name)


@each_sweep
def test_the_chosen_rates_are_among_those_that_were_swept(training, swept):
    for scale in (Scale.LAPTOP, Scale.GPU):
        assert training.config(scale).peak_learning_rate in swept.config(scale).rates


@each_sweep
def test_the_reported_runs_use_the_rate_that_the_published_sweep_chose(training, swept):
    record = published_record(swept.name, Scale.LAPTOP)
    if record is None:
        pytest.skip(f"{swept.name} is not published")
    tried = {"rate": swept.config(Scale.LAPTOP).rates}
    best = best_setting(record.select(score="heldout_nll"), tried, lower_is_better=True)
    assert best.setting == {"rate": training.config(Scale.LAPTOP).peak_learning_rate}


def test_both_networks_are_swept_with_equal_effort():
    for scale in LEARNING_RATE.configs:
        ours, its = LEARNING_RATE.config(scale), LSTM_LEARNING_RATE.config(scale)
        assert len(ours.rates) == len(its.rates)
        assert ours.training.updates == its.training.updates


def test_another_chosen_rate_leaves_the_sweep_as_it_is():
    swept = LEARNING_RATE.config(Scale.LAPTOP).training
    whole = PRETRAINING.config(Scale.LAPTOP)
    left_out = {"tokens", "peak_learning_rate", "milestones"}
    assert swept.model_dump(exclude=left_out) == whole.model_dump(exclude=left_out)
    assert swept.updates >= 300


@pytest.mark.parametrize("arm", ["gpt", "lstm"])
def test_a_sweep_out_of_time_goes_on_to_the_same_outcome(tmp_path, arm):
    training = LEARNING_CURVES.config(Scale.SMOKE).arms[arm]
    config = LearningRateSweep.of(training, updates=6, rates=(1e-3, 1e-2))
    whole = measure(config, Unit(0, tmp_path / "whole", tmp_path / "prepared"))
    interrupted = 0
    while True:
        try:
            pieces = measure(config, Unit(0, tmp_path / "pieces", tmp_path / "prepared", deadline=0.0))
            break
        except UnitOver:
            interrupted += 1
    assert interrupted > 0
    assert [one.pop("value") for one in pieces.rows] == pytest.approx(
        [one.pop("value") for one in whole.rows]
    )
    kind = training.network.kind
    assert (
        pieces.rows
        == whole.rows
        == [
            {"score": "heldout_nll", "arm": kind, "rate": 1e-3},
            {"score": "heldout_nll", "arm": kind, "rate": 1e-2},
            {"score": "diverged", "arm": kind},
        ]
    )
