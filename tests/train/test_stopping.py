"""Early stopping keeps the best weights, ends when none better come, and may itself be stopped."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from gptrepro.train.loop import TrainResult
from gptrepro.train.state import load_weights, weights_file
from gptrepro.train.stopping import EarlyStopping, best_weights
from tests.train.tiny import tiny_model, train_tiny

SCORES = {2: 0.3, 4: 0.5, 6: 0.5, 8: 0.4, 10: 0.2, 12: 0.9}


def scored(folder: Path, patience: int | None, **options: Any) -> TrainResult:
    """A training that scores, after every second update, what `SCORES` says."""
    steps: Iterator[int] = iter(())  # of this call

    def evaluate(model: Any) -> dict[str, float]:
        return {"dev": SCORES[next(steps)]}

    done = train_rows(folder)
    steps = iter([step for step in SCORES if step > done])
    stopping = EarlyStopping("dev", patience=patience)
    return train_tiny(
        folder, evaluate=evaluate, evaluate_every=2, stopping=stopping, checkpoint_at=(4, 12), **options
    )


def train_rows(folder: Path) -> int:
    """The last update that a training in ``folder`` has made."""
    log = folder / "metrics.jsonl"
    return len(log.read_text().splitlines()) if log.exists() else 0


@pytest.mark.parametrize(("patience", "last", "best"), [(3, 10, 4), (4, 12, 12), (None, 12, 12)])
def test_the_best_weights_are_kept_and_a_training_without_better_ones_ends(
    tmp_path: Path, patience: int | None, last: int, best: int
) -> None:
    result = scored(tmp_path, patience)
    assert (result.finished, result.step) == (True, last)
    kept, expected = tiny_model(), tiny_model()
    load_weights(kept, best_weights(tmp_path))
    load_weights(expected, weights_file(tmp_path, best))
    for name, weight in expected.state_dict().items():
        assert torch.equal(weight, kept.state_dict()[name]), name


def test_in_pieces_it_ends_where_it_would_have_ended_and_stays_ended(tmp_path: Path) -> None:
    calls = 1
    while not scored(tmp_path, 3, stop_after_seconds=0).finished:
        calls += 1
    assert calls == 10
    assert (again := scored(tmp_path, 3)).finished and again.step == 10


def test_a_loss_is_better_the_lower_it_is() -> None:
    stopping = EarlyStopping("loss", lower_is_better=True, patience=1)
    rows = [{"loss": 3.0}, {"loss": 2.0}, {"step": 3.0}, {"loss": 2.5}]
    assert (stopping.best(rows), stopping.is_over(rows[:3]), stopping.is_over(rows)) == (1, False, True)
