"""Plans follow from budgets by arithmetic that a reader can redo."""

from __future__ import annotations

import pytest

from gptrepro.experiments import EXPERIMENTS, find_experiment
from gptrepro.experiments.planning import LAPTOP_FLOPS, Plan, plan_of
from gptrepro.scales import Scale


def test_a_laptop_plan_is_flops_over_rate():
    experiment = find_experiment("gpt1-pretraining")
    config = experiment.config(Scale.LAPTOP)
    plan = plan_of(experiment, Scale.LAPTOP)
    per_seed = experiment.budget(config)
    assert plan.flops == pytest.approx(plan.seeds * per_seed.flops)
    assert plan.seconds == pytest.approx(plan.flops / LAPTOP_FLOPS)
    # Kaplan's 6 N D, with the embedding's input side free and attention on top, is near
    assert per_seed.flops == pytest.approx(6 * per_seed.parameters * per_seed.tokens, rel=0.15)


def test_one_rented_card_runs_the_whole_book_in_little_more_than_an_hour():
    plans = [plan_of(each, Scale.GPU) for each in EXPERIMENTS.values() if Scale.GPU in each.configs]
    assert all(plan.seconds < 600 for plan in plans), {plan.experiment: plan.time for plan in plans}
    assert sum(plan.seconds for plan in plans) < 75 * 60 and sum(plan.dollars for plan in plans) < 4


@pytest.mark.parametrize(
    ("seconds", "gpus", "text"),
    [(600, 0, "10 min"), (3600 * 5, 1, "5 h on 1 GPU"), (86400 * 40, 64, "40 days on 64 GPUs")],
)
def test_times_are_readable(seconds, gpus, text):
    plan = Plan("x", "gpu", 1, 1, 1.0, 1.0, 1.0, gpus, seconds)
    assert plan.time == text
