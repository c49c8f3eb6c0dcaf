"""Experiments are found by name or paper and keep their histories short."""

from __future__ import annotations

import pytest

from gptrepro.errors import GptreproError
from gptrepro.experiments import EXPERIMENTS, find_experiment, select_experiments
from gptrepro.experiments.base import HISTORY_POINTS, Measurement, register, thin_out


def test_names_and_papers_select():
    assert select_experiments(None) == list(EXPERIMENTS.values())
    assert find_experiment("gpt1-pretraining") in select_experiments("gpt1")
    with pytest.raises(GptreproError, match="did you mean"):
        select_experiments("gpt1-pretrainning")


def test_two_experiments_of_one_name_are_refused():
    with pytest.raises(ValueError, match="two experiments"):
        register(find_experiment("gpt1-pretraining"))


def test_a_thinned_history_keeps_its_ends():
    history = [{"step": float(i)} for i in range(1000)]
    thinned = thin_out(history)
    assert len(thinned) == HISTORY_POINTS
    assert thinned[0] == history[0] and thinned[-1] == history[-1]
    assert thin_out(history[:10]) == history[:10]


def test_too_long_a_history_is_refused():
    with pytest.raises(ValueError, match="at most 64"):
        Measurement(rows=[], history=[{}] * 65, tokens=0, flops=0.0, tokenizer="a" * 64)
