"""The sweep shares everything but the rate, and goes on where it stopped."""

from __future__ import annotations

import pytest

from gptrepro.experiments.base import Unit, UnitOver
from gptrepro.experiments.gpt1.learning_rate import LEARNING_RATE, rate_metric
from gptrepro.experiments.gpt1.pretraining import PRETRAINING
from gptrepro.scales import Scale


def test_the_chosen_rates_are_among_those_that_were_swept():
    for scale in (Scale.LAPTOP, Scale.GPU):
        assert PRETRAINING.config(scale).peak_learning_rate in LEARNING_RATE.config(scale).rates


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
