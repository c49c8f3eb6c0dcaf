"""Experiments are found by name or paper, keep their histories short and their seeds apart."""

from __future__ import annotations

import pytest

from gptrepro.errors import GptreproError
from gptrepro.experiments import EXPERIMENTS, find_experiment, select_experiments
from gptrepro.experiments.base import (
    FIRST_REPORT_SEED,
    HISTORY_POINTS,
    PILOT_SEEDS,
    Measurement,
    register,
    thin_out,
)
from gptrepro.scales import Scale


def test_names_and_papers_select():
    assert select_experiments(None) == list(EXPERIMENTS.values())
    assert find_experiment("gpt1-pretraining") in select_experiments("gpt1")
    with pytest.raises(GptreproError, match="did you mean"):
        select_experiments("gpt1-pretrainning")


def test_two_experiments_of_one_name_are_refused():
    with pytest.raises(ValueError, match="two experiments"):
        register(find_experiment("gpt1-pretraining"))


@pytest.mark.parametrize("experiment", EXPERIMENTS.values(), ids=lambda experiment: experiment.name)
def test_every_experiment_runs_at_smoke_and_keeps_pilot_and_report_seeds_apart(experiment):
    assert Scale.SMOKE in experiment.configs
    assert set(experiment.seeds) == set(experiment.configs)
    for scale, seeds in experiment.seeds.items():
        if experiment.chooses_settings:
            assert set(seeds) <= set(PILOT_SEEDS)
        else:
            assert min(seeds) >= FIRST_REPORT_SEED
            assert len(seeds) >= 3 or scale is Scale.SMOKE
        experiment.budget(experiment.config(scale))


def test_a_thinned_history_keeps_its_ends():
    history = [{"step": float(i)} for i in range(1000)]
    thinned = thin_out(history)
    assert len(thinned) == HISTORY_POINTS
    assert thinned[0] == history[0] and thinned[-1] == history[-1]
    assert thin_out(history[:10]) == history[:10]


def test_too_long_a_history_is_refused():
    with pytest.raises(ValueError, match="at most 64"):
        Measurement(metrics={}, history=[{}] * 65, tokens=0, flops=0.0, tokenizer="a" * 64)
