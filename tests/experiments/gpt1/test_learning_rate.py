"""The sweep shares everything but the rate, and goes on where it stopped."""

from __future__ import annotations

import pytest

from gptrepro.experiments.base import Unit, UnitOver
from gptrepro.experiments.gpt1.learning_rate import LEARNING_RATE, LSTM_LEARNING_RATE, rate_metric
from gptrepro.experiments.gpt1.pretraining import LSTM_PRETRAINING, PRETRAINING
from gptrepro.results import published_record
from gptrepro.scales import Scale

SWEEPS = ((PRETRAINING, LEARNING_RATE), (LSTM_PRETRAINING, LSTM_LEARNING_RATE))


@pytest.mark.parametrize(("training", "swept"), SWEEPS, ids=lambda experiment: experiment.name)
def test_the_chosen_rates_are_among_those_that_were_swept(training, swept):
    for scale in (Scale.LAPTOP, Scale.GPU):
        assert training.config(scale).peak_learning_rate in swept.config(scale).rates


@pytest.mark.parametrize(("training", "swept"), SWEEPS, ids=lambda experiment: experiment.name)
def test_the_reported_runs_use_the_rate_that_the_published_sweep_chose(training, swept):
    record = published_record(swept.name, Scale.LAPTOP)
    if record is None:
        pytest.skip(f"{swept.name} is not published")
    assert training.config(Scale.LAPTOP).peak_learning_rate == record.metric("best_rate")[0]


def test_both_networks_are_swept_with_equal_effort():
    for scale in LEARNING_RATE.configs:
        ours, its = LEARNING_RATE.config(scale), LSTM_LEARNING_RATE.config(scale)
        assert len(ours.rates) == len(its.rates)
        assert ours.training.updates == its.training.updates


def test_another_chosen_rate_leaves_the_sweep_as_it_is():
    swept = LEARNING_RATE.config(Scale.LAPTOP).training
    whole = PRETRAINING.config(Scale.LAPTOP)
    left_out = {"tokens", "peak_learning_rate"}
    assert swept.model_dump(exclude=left_out) == whole.model_dump(exclude=left_out)
    assert swept.updates >= 300


def test_a_sweep_out_of_time_goes_on_to_the_same_outcome(tmp_path):
    config = LEARNING_RATE.config(Scale.SMOKE)
    six_updates = 6 * config.training.batch_size * config.training.n_ctx
    config = config.model_copy(
        update={"training": config.training.model_copy(update={"tokens": six_updates})}
    )
    whole = LEARNING_RATE.measure(config, Unit(0, tmp_path / "whole", tmp_path / "prepared"))
    interrupted = 0
    while True:
        try:
            pieces = LEARNING_RATE.measure(
                config, Unit(0, tmp_path / "pieces", tmp_path / "prepared", deadline=0.0)
            )
            break
        except UnitOver:
            interrupted += 1
    assert interrupted > 0
    assert pieces.metrics == pytest.approx(whole.metrics)
    assert pieces.metrics["best_rate"] in config.rates
    assert {rate_metric(rate) for rate in config.rates} <= set(pieces.metrics)
