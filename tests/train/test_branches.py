"""A branch is the training that it would have been had it not shared its beginning with another."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from gptrepro.errors import GptreproError
from gptrepro.train.loop import train
from gptrepro.train.state import branch_point
from tests.train.test_resume import weights_equal
from tests.train.tiny import checkpoints, tiny_batches, tiny_model, tiny_settings, train_tiny

TRUNK: dict[str, Any] = {"schedule": "linear", "cooldown_steps": 3, "branch_at": (4, 6)}
BRANCH: dict[str, Any] = {"steps": 8, "schedule": "linear", "cooldown_steps": 2}


@pytest.fixture(scope="module")
def trunk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A training of twelve updates that can be left after the fourth and the sixth."""
    folder = tmp_path_factory.mktemp("trunk")
    train_tiny(folder, **TRUNK)
    return folder


def branch_off(folder: Path, trunk: Path, at: int, **settings: Any) -> Any:
    model = tiny_model()
    stop = {"stop_after_seconds": settings.pop("stop_after_seconds", None)}
    result = train(
        model, tiny_batches(), tiny_settings(**settings), folder, device="cpu",
        branch_from=branch_point(trunk, at), **stop,
    )  # fmt: skip
    return model, result


def test_a_branch_is_the_training_of_its_own_length(tmp_path: Path, trunk: Path) -> None:
    alone = tiny_model()
    expected = train_tiny(tmp_path / "alone", model=alone, **BRANCH)
    branch, result = branch_off(tmp_path / "branch", trunk, 6, **BRANCH)
    assert weights_equal(alone, branch)
    assert result.history == expected.history
    assert (result.step, result.tokens) == (8, expected.tokens)


def test_a_branch_goes_on_from_its_own_checkpoints_even_when_the_other_is_gone(
    tmp_path: Path, trunk: Path
) -> None:
    whole, expected = branch_off(tmp_path / "whole", trunk, 6, **BRANCH)
    _, first = branch_off(tmp_path / "pieces", trunk, 6, **BRANCH, stop_after_seconds=0)
    assert not first.finished and first.step == 7
    pieces, last = branch_off(tmp_path / "pieces", tmp_path / "nowhere", 6, **BRANCH)
    assert last.history == expected.history and weights_equal(whole, pieces)


def test_what_branches_need_is_kept_beside_the_two_last_checkpoints(trunk: Path) -> None:
    assert all(branch_point(trunk, step).is_dir() for step in (4, 6))
    assert [path.name for path in checkpoints(trunk)] == ["step-00000012"]


@pytest.mark.parametrize(
    ("at", "settings", "reason"),
    [
        (6, BRANCH | {"cooldown_steps": 3}, "other learning rates"),
        (6, BRANCH | {"peak_lr": 0.5}, "peak_lr"),
        (6, BRANCH | {"seed": 1}, "seed"),
        (5, BRANCH, "no intact checkpoint"),
    ],
)
def test_a_branch_that_would_have_come_another_way_is_refused(
    tmp_path: Path, trunk: Path, at: int, settings: dict[str, Any], reason: str
) -> None:
    with pytest.raises(GptreproError, match=reason):
        branch_off(tmp_path, trunk, at, **settings)
