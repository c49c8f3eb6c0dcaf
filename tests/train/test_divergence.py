"""A training whose loss or gradient is no longer a number stops, and nothing of it is saved."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch

from gptrepro.train.divergence import Diverged
from gptrepro.train.loop import train
from tests.train.tiny import tiny_batches, tiny_model, tiny_settings, train_tiny


class Exploding(torch.nn.Module):
    """Its loss stops being a number at the fifth update."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.ones(2, 2))
        self.calls = 0

    def loss(self, ids: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        self.calls += 1
        return self.weight.mean() * (math.nan if self.calls == 5 else 1.0)


def test_a_loss_that_is_no_number_stops_and_is_not_saved(tmp_path: Path) -> None:
    with pytest.raises(Diverged, match=r"diverged by step 5.*lower peak_lr than 0.01"):
        train(Exploding(), tiny_batches(), tiny_settings(checkpoint_every_seconds=0), tmp_path)
    assert [path.name for path in sorted((tmp_path / "checkpoints").iterdir())] == [
        "step-00000003",
        "step-00000004",
    ]


def test_a_gradient_that_is_no_number_is_not_saved_either(tmp_path: Path) -> None:
    model = tiny_model()
    model.wte.weight.register_hook(lambda gradient: gradient * math.inf)
    with pytest.raises(Diverged, match="step 1:"):
        train_tiny(tmp_path, model=model, checkpoint_every_seconds=0, log_every=100)
    assert not (tmp_path / "checkpoints").exists()
