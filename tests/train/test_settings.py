"""Settings: what they refuse, and which clock the schedule follows."""

from typing import Any

import pytest

from gptrepro.errors import GptreproError
from gptrepro.published import GPT1_FINE_TUNING
from tests.train.tiny import tiny_settings


@pytest.mark.parametrize(
    "wrong",
    [
        {"steps": 0},
        {"peak_lr": 0.0},
        {"final_lr_fraction": 1.5},
        {"warmup_steps": 13},
        {"warmup_tokens": 100},
        {"ramp_tokens": 100},
        {"ramp_tokens": 100, "ramp_batch_size": 5},
        {"accumulate": 0},
        {"precision": "fp64"},
        {"schedule": "step"},
        {"cooldown_steps": 10},
        {"cooldown_steps": 2, "schedule": "constant"},
        {"cooldown_steps": 2, "warmup_tokens": 48, "decay_tokens": 480},
    ],
)
def test_impossible_settings_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(GptreproError):
        tiny_settings(**wrong)


@pytest.mark.parametrize("schedule", ["cosine", "linear"])
@pytest.mark.parametrize(
    "plan",
    [
        {"steps": 1, "warmup_steps": 0},
        {"steps": 5, "warmup_steps": 0, "warmup_tokens": 0, "decay_tokens": 48},  # one batch has as many
        {"steps": 5, "warmup_steps": 0, "warmup_tokens": 3, "decay_tokens": 7},
    ],
)
def test_a_plan_whose_rates_are_all_zero_is_refused(schedule: Any, plan: dict[str, int]) -> None:
    with pytest.raises(GptreproError, match="rate zero"):
        tiny_settings(schedule=schedule, **plan)
    for saved in ({"schedule": "constant"}, {"schedule": schedule, "final_lr_fraction": 0.1}):
        tiny_settings(**(plan | saved))
    tiny_settings(schedule=schedule, steps=2, warmup_steps=0)
    tiny_settings(schedule=schedule, steps=1, warmup_steps=1)


@pytest.mark.parametrize("rows", [1, 10, 11, 33])
def test_a_fine_tuning_on_few_rows_moves_the_weights_or_is_refused(rows: int) -> None:
    """On 10 rows the paper's recipe makes one update, where its schedule ends."""
    if rows <= 10:
        with pytest.raises(GptreproError, match="rate zero"):
            GPT1_FINE_TUNING.settings(rows, context=8)
    else:
        settings = GPT1_FINE_TUNING.settings(rows, context=8)
        assert settings.learning_rate(1, 0) > 0


def test_the_rate_follows_updates_or_tokens() -> None:
    by_updates = tiny_settings(steps=100, warmup_steps=10, peak_lr=1.0)
    assert by_updates.learning_rate(5, 10**9) == pytest.approx(0.5)
    by_tokens = tiny_settings(
        steps=100, warmup_tokens=1000, decay_tokens=9000, final_lr_fraction=0.1, peak_lr=1.0
    )
    assert by_tokens.learning_rate(99, 500) == pytest.approx(0.5)
    assert by_tokens.learning_rate(1, 9000) == pytest.approx(0.1)


def test_the_last_update_is_always_evaluated() -> None:
    settings = tiny_settings(steps=10, evaluate_every=4, evaluate_at=(0, 1), log_every=100)
    assert [step for step in range(11) if settings.evaluates_after(step)] == [0, 1, 4, 8, 10]


def test_tokens_are_those_of_all_updates() -> None:
    plain = tiny_settings(steps=10)
    assert plain.tokens == 10 * plain.batch_size * plain.context
    ramped = tiny_settings(steps=10, ramp_batch_size=1, ramp_tokens=10 * plain.context)
    assert ramped.tokens < plain.tokens
