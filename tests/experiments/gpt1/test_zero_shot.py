"""The zero-shot experiment: what it asks, how it sums up answers, and that it goes on where it stopped."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from gptrepro.claims import load_claims
from gptrepro.experiments.base import Unit, UnitOver
from gptrepro.experiments.gpt1.pretraining import LSTM_PRETRAINING, MILESTONES, PRETRAINING
from gptrepro.experiments.gpt1.zero_shot import (
    CHECKPOINTS,
    HEURISTICS,
    LSTM_ZERO_SHOT,
    ZERO_SHOT,
    metric_at,
    relative,
    roughness,
)
from gptrepro.results.record import MAX_PUBLISHED_BYTES
from gptrepro.scales import Scale
from gptrepro.tasks.gpt1 import find_task
from gptrepro.train import weights_file
from gptrepro.train.state import save_weights

MODELS = {"decoder": ZERO_SHOT, "lstm": LSTM_ZERO_SHOT}


def test_both_models_are_asked_the_same_after_the_pre_training_of_the_same_seed() -> None:
    for scale in ZERO_SHOT.configs:
        decoder, lstm = ZERO_SHOT.config(scale), LSTM_ZERO_SHOT.config(scale)
        assert decoder.pretraining == PRETRAINING.config(scale)
        assert lstm.pretraining == LSTM_PRETRAINING.config(scale)
        for shared in ("tasks", "last_words", "items"):
            assert getattr(decoder, shared) == getattr(lstm, shared)
    assert ZERO_SHOT.builds_on(101) == {"gpt1-pretraining": 101}
    assert LSTM_ZERO_SHOT.builds_on(101) == {"gpt1-lstm-pretraining": 101}


def test_chance_is_what_guessing_among_the_labels_scores() -> None:
    for name, task in ZERO_SHOT.config(Scale.LAPTOP).tasks.items():
        assert HEURISTICS[name].chance == pytest.approx(1 / len(find_task(task).labels)), name
        assert relative({f"{HEURISTICS[name].score}_{name}": HEURISTICS[name].chance}, name) == 0
        assert relative({f"{HEURISTICS[name].score}_{name}": 1.0}, name) == 1


def test_names_of_metrics() -> None:
    assert metric_at(Fraction(1, 8), "decoder", "auc_word_order") == "auc_word_order_decoder_at_1_8"
    assert metric_at(Fraction(0), "lstm", "skill") == "skill_lstm_at_0_1"


def test_a_steady_curve_is_smooth_and_noise_is_rough_in_its_own_units() -> None:
    steady = [0.1 * step for step in range(7)]
    assert roughness(steady) == pytest.approx(0, abs=1e-12)
    noise = 0.05 * np.array([1, -1, 1, -1, 1, -1, 1])
    assert roughness(list(noise + steady)) == pytest.approx(roughness(list(noise)))
    assert 0.04 < roughness(list(noise)) < 0.05


@pytest.mark.parametrize("arm", MODELS)
def test_it_stops_in_time_goes_on_and_measures_each_checkpoint(arm: str, tmp_path: Path) -> None:
    experiment = MODELS[arm]
    config = experiment.config(Scale.SMOKE).model_copy(update={"items": 10})
    sources = {name: tmp_path / name for name in experiment.builds_on(100)}
    for i, fraction in enumerate(CHECKPOINTS):  # untrained weights in the place of every milestone's
        step = config.pretraining.milestone(fraction) if fraction else 0
        for folder in sources.values():
            save_weights(config.pretraining.fresh(i), weights_file(folder, step))

    def unit(**limits: float) -> Unit:
        return Unit(100, tmp_path / "unit", tmp_path / "prepared", sources, **limits)

    with pytest.raises(UnitOver):
        experiment.measure(config, unit(deadline=0.0))
    found = experiment.measure(config, unit())
    again = experiment.measure(config, unit(deadline=0.0))  # everything is there: no time is needed
    assert again.metrics == found.metrics
    assert found.metrics[f"roughness_{arm}"] > 0
    for fraction in CHECKPOINTS:
        assert 0 <= found.metrics[metric_at(fraction, arm, "auc_word_order")] <= 1
        assert 0 <= found.metrics[metric_at(fraction, arm, "accuracy_continuation")] <= 1
    assert len(list((tmp_path / "unit").glob("*.json"))) == len(CHECKPOINTS)


def test_a_record_of_all_seeds_is_not_too_large() -> None:
    longest = (
        f'      "{metric_at(Fraction(1, 64), "decoder", "accuracy_corrected_continuation")}": 0.12345,\n'
    )
    metrics = len(CHECKPOINTS) * (2 * len(HEURISTICS) + 5)
    assert 3 * metrics * len(longest) < MAX_PUBLISHED_BYTES


def test_claims_rest_on_metrics_that_the_laptop_scale_measures() -> None:
    """Names in the claims are the experiment's: each milestone, the heuristic's own score, its own chance."""
    rules = [
        c.rule.arguments
        for c in load_claims()
        if c.rule and c.rule.arguments.get("experiment") == "gpt1-zero-shot"
    ]
    trends = [rule for rule in rules if "points" in rule]
    assert len(trends) == 7
    for rule in trends:
        measure = next(iter(rule["points"])).removesuffix("_decoder_at_1_64")
        assert list(rule["points"]) == [metric_at(fraction, "decoder", measure) for fraction in MILESTONES]
        assert list(rule["points"].values()) == [64 * fraction for fraction in MILESTONES]
        if measure != "skill":
            name = next(name for name in HEURISTICS if measure.endswith(name))
            assert 0.02 < rule["floor"] - HEURISTICS[name].chance < 0.1  # above the luck of the items
            assert measure in (f"{HEURISTICS[name].score}_{name}", "accuracy_corrected_continuation")
