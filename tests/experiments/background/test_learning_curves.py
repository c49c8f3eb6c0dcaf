"""The learning curves are a fair comparison: equal size, text and effort, and unseen text at the end."""

from __future__ import annotations

import numpy as np
import pytest

from gptrepro.experiments.background import learning_curves as module
from gptrepro.experiments.background.learning_curves import (
    GPT_LEARNING_RATE,
    LEARNING_CURVES,
    LSTM_LEARNING_RATE,
    PASSAGES,
    POINTS,
)
from gptrepro.experiments.sweeps import best_setting
from gptrepro.experiments.training import TokenizedText
from gptrepro.results import published_record
from gptrepro.scales import Scale
from gptrepro.text.samples import Sample
from tests.model.small import small_decoder

SWEEPS = {"gpt": GPT_LEARNING_RATE, "lstm": LSTM_LEARNING_RATE}

at_every_scale = pytest.mark.parametrize("scale", LEARNING_CURVES.configs)


@at_every_scale
def test_the_lstm_has_as_many_parameters_as_the_decoder(scale):
    arms = LEARNING_CURVES.config(scale).arms
    assert arms["lstm"].budget().parameters == pytest.approx(arms["gpt"].budget().parameters, rel=0.005)


@at_every_scale
def test_arms_differ_in_network_and_rate_alone_and_are_finished_at_every_point(scale):
    arms = LEARNING_CURVES.config(scale).arms
    trainings = [arm.model_dump(exclude={"network", "peak_learning_rate"}) for arm in arms.values()]
    assert all(training == trainings[0] for training in trainings)
    ends = [branch.settings(100) for branch in arms["gpt"].branches.values()] + [arms["gpt"].settings(100)]
    assert len(ends) == len(POINTS)
    for end in ends:
        assert end.learning_rate(end.steps, 0) == 0.0
        assert end.cooldown_steps == pytest.approx(end.steps / 5, abs=1)


@at_every_scale
def test_the_networks_are_swept_with_equal_effort_at_one_of_the_points(scale):
    ours, its = (sweep.config(scale) for sweep in SWEEPS.values())
    assert len(ours.rates) == len(its.rates)
    assert ours.training.model_dump(exclude={"network", "peak_learning_rate"}) == its.training.model_dump(
        exclude={"network", "peak_learning_rate"}
    )
    for arm, sweep in SWEEPS.items():
        whole, swept = LEARNING_CURVES.config(scale).arms[arm], sweep.config(scale).training
        own = {"peak_learning_rate", "milestones", "heldout", "tokens"}
        assert swept.model_dump(exclude=own) == whole.model_dump(exclude=own)
        branch = whole.branches[swept.updates]
        assert swept.cooldown_updates == branch.cooldown_updates


def test_reports_are_scored_on_text_that_no_sweep_has_scored():
    for scale in (Scale.LAPTOP, Scale.GPU):
        reported = {arm.corpora[-1] for arm in LEARNING_CURVES.config(scale).arms.values()}
        assert not reported & {sweep.config(scale).training.corpora[-1] for sweep in SWEEPS.values()}


@pytest.mark.parametrize("arm", SWEEPS)
def test_the_reported_runs_use_the_best_rate_of_the_published_sweep(arm):
    sweep = SWEEPS[arm]
    record = published_record(sweep.name, Scale.LAPTOP)
    if record is None:
        pytest.skip(f"{sweep.name} is not published")
    tried = {"rate": sweep.config(Scale.LAPTOP).rates}
    best = best_setting(record.select(score="heldout_nll"), tried, lower_is_better=True)
    assert best.setting == {"rate": LEARNING_CURVES.config(Scale.LAPTOP).arms[arm].peak_learning_rate}
    assert best.at_edge == ()


def test_passages_make_up_the_scored_text():
    training = LEARNING_CURVES.config(Scale.SMOKE).arms["gpt"]
    tokens = np.random.default_rng(0).integers(0, 61, PASSAGES * 64).astype(np.uint16)
    text = Sample(tokens, n_bytes=PASSAGES * 256, n_words=PASSAGES * 50)
    model = small_decoder(n_ctx=training.n_ctx)
    scores = module._scores(training, model, TokenizedText({}, text, "0" * 64))
    assert set(scores) == {"bits_per_byte", *map(str, range(PASSAGES))}
    second = Sample(tokens[64:128], n_bytes=256, n_words=50)
    assert scores["1"] == pytest.approx(training.score(model, second).bits_per_byte)
    whole = training.score(model, text).bits_per_byte
    assert scores["bits_per_byte"] == pytest.approx(whole, rel=0.01)  # each passage lacks its first token
