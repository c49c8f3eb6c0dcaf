"""The loop: it learns, logs what it should, keeps weights, and says so when it diverges."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch

from gptrepro.errors import GptreproError
from gptrepro.train.loop import train
from tests.train.tiny import N_VOCAB, tiny_batches, tiny_model, tiny_settings, train_tiny


def test_it_learns_a_repeated_batch_by_heart(tmp_path: Path) -> None:
    class OneBatch:
        batch_size = 4

        def next(self) -> tuple[torch.Tensor, torch.Tensor]:
            return tiny_batches().next()

        def state_dict(self) -> dict[str, int]:
            return {}

        def load_state_dict(self, state: dict[str, int]) -> None:
            pass

    settings = tiny_settings(steps=100, log_every=50)
    result = train(tiny_model(dropout=0.0), OneBatch(), settings, tmp_path, device="cpu")
    assert result.history[0]["loss"] < math.log(N_VOCAB)
    assert result.history[-1]["loss"] < 0.3


def test_rows_hold_means_rates_and_metrics(tmp_path: Path) -> None:
    every = train_tiny(tmp_path / "every")
    result = train_tiny(
        tmp_path / "sparse", log_every=4, evaluate_at=(0, 6), evaluate=lambda model: {"nll": 1.5}
    )
    assert [row["step"] for row in result.history] == [0, 4, 6, 8, 12]
    assert [row["step"] for row in result.history if "nll" in row] == [0, 6, 12]
    losses = [row["loss"] for row in every.history]
    assert result.history[1]["loss"] == pytest.approx(sum(losses[0:4]) / 4)
    assert result.history[2]["loss"] == pytest.approx(sum(losses[4:6]) / 2)
    assert result.history[1]["tokens"] == 4 * 4 * 12
    assert result.history[-1]["lr"] == 0.0
    assert every.history[2]["lr"] == pytest.approx(1e-2)
    assert result.tokens == 12 * 4 * 12
    assert result.seconds > 0


def test_evaluation_happens_without_dropout_and_training_with_it(tmp_path: Path) -> None:
    modes: list[bool] = []
    model = tiny_model()
    train_tiny(
        tmp_path,
        model=model,
        evaluate=lambda model: modes.append(model.training or torch.is_grad_enabled()) or {},  # type: ignore[func-returns-value]
        evaluate_every=6,
    )
    assert modes == [False, False]
    assert not model.training
    assert train_tiny(tmp_path / "dry", dropout=0.0).history != train_tiny(tmp_path / "wet").history


def test_dropout_noise_follows_the_seed(tmp_path: Path) -> None:
    runs = [train_tiny(tmp_path / name, seed=seed) for name, seed in (("a", 1), ("b", 1), ("c", 2))]
    assert runs[0].history == runs[1].history
    assert runs[0].history != runs[2].history


def test_clipping_bounds_the_first_update(tmp_path: Path) -> None:
    free = train_tiny(tmp_path / "free", clip_norm=None)
    bound = train_tiny(tmp_path / "bound", clip_norm=1e-3)
    assert free.history[0]["grad_norm"] == bound.history[0]["grad_norm"] > 1e-3
    assert free.history[-1]["loss"] != bound.history[-1]["loss"]


def test_the_batch_ramp_is_followed(tmp_path: Path) -> None:
    result = train_tiny(tmp_path, ramp_batch_size=1, ramp_tokens=120)
    sizes = [row["tokens"] for row in result.history]
    first = [b - a for a, b in zip([0.0, *sizes], sizes, strict=False)]
    assert first[0] == 12
    assert first[-1] == 48
    assert first == sorted(first)


def test_batches_longer_than_the_stated_context_are_refused(tmp_path: Path) -> None:
    with pytest.raises(GptreproError, match=r"12 tokens.*context 8"):
        train_tiny(tmp_path, context=8)
