"""Being stopped, killed or damaged changes nothing in a training."""

from __future__ import annotations

import json
import random
import time
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.train.tiny import history, kill_at_random, processes, start, tiny_model, train_tiny


def weights_equal(a: torch.nn.Module, b: torch.nn.Module) -> bool:
    return all(torch.equal(x, y) for x, y in zip(a.parameters(), b.parameters(), strict=True))


@processes
def test_three_kills_at_random_moments_change_no_loss(tmp_path: Path) -> None:
    settings: dict[str, Any] = {"steps": 60, "checkpoint_every_seconds": 0.02}
    whole = start(tmp_path / "whole", **settings)
    chance = random.Random(time.time_ns())  # any moment must do
    for _ in range(3):
        kill_at_random(tmp_path / "killed", chance, **settings)
    last = start(tmp_path / "killed", **settings)
    last.join()
    whole.join()
    assert (last.exitcode, whole.exitcode) == (0, 0)
    assert [row["step"] for row in history(tmp_path / "killed")] == list(range(1, 61))
    assert history(tmp_path / "killed") == history(tmp_path / "whole")


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {
            "log_every": 5,
            "evaluate": lambda model: {"weight": float(model.wte.weight.sum())},
            "evaluate_every": 4,
        },
        {"precision": "fp16"},
        {"ramp_batch_size": 1, "ramp_tokens": 300, "accumulate": 2},
    ],
    ids=["plain", "sparse log", "fp16", "batch ramp"],
)
def test_stopping_after_every_update_changes_nothing(tmp_path: Path, settings: dict[str, Any]) -> None:
    whole, pieces = tiny_model(), tiny_model()
    expected = train_tiny(tmp_path / "whole", model=whole, **settings)
    calls = 0
    result = None
    while result is None or not result.finished:
        pieces = tiny_model()  # as a new process would begin
        torch.manual_seed(calls)  # and the caller's own random numbers are of no consequence
        result = train_tiny(tmp_path / "pieces", model=pieces, stop_after_seconds=0, **settings)
        calls += 1
    assert calls == 12
    assert result.history == expected.history
    assert json.dumps(history(tmp_path / "pieces")) == json.dumps(expected.history)
    assert weights_equal(whole, pieces)


def test_a_finished_training_is_not_repeated_but_gives_its_model_back(tmp_path: Path) -> None:
    first, again = tiny_model(), tiny_model()
    expected = train_tiny(tmp_path, model=first)
    stamp = (tmp_path / "checkpoints" / "step-00000012" / "state.json").stat().st_mtime_ns
    result = train_tiny(tmp_path, model=again)
    assert result == expected
    assert weights_equal(first, again)
    assert (tmp_path / "checkpoints" / "step-00000012" / "state.json").stat().st_mtime_ns == stamp


def test_training_leaves_the_callers_random_numbers_alone(tmp_path: Path) -> None:
    model = tiny_model()
    torch.manual_seed(1)
    expected = torch.rand(3)
    torch.manual_seed(1)
    train_tiny(tmp_path, model=model)
    assert torch.equal(torch.rand(3), expected)


def test_an_evaluation_that_draws_random_numbers_changes_no_loss(tmp_path: Path) -> None:
    plain = train_tiny(tmp_path / "plain")
    noisy = train_tiny(
        tmp_path / "noisy", evaluate=lambda model: {"x": float(torch.rand(()))}, evaluate_every=1
    )
    assert [row["loss"] for row in noisy.history] == [row["loss"] for row in plain.history]
