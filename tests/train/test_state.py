"""Checkpoints: the last two are kept, damage is noticed, and a folder belongs to one training."""

from __future__ import annotations

import errno
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch

from gptrepro.errors import GptreproError
from gptrepro.train.state import KEPT_CHECKPOINTS, load_weights, weights_file
from tests.train.tiny import checkpoints, tiny_model, train_tiny


def test_the_last_two_checkpoints_are_kept(tmp_path: Path) -> None:
    train_tiny(tmp_path, checkpoint_every_seconds=0)
    assert [path.name for path in checkpoints(tmp_path)] == ["step-00000011", "step-00000012"]
    assert KEPT_CHECKPOINTS == 2


def flip_a_byte(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


@pytest.mark.parametrize("file", ["model.safetensors", "training.safetensors", "metrics.jsonl", "state.json"])
@pytest.mark.parametrize("damage", [flip_a_byte, truncate, Path.unlink])
def test_a_damaged_checkpoint_gives_way_to_the_one_before(tmp_path: Path, file: str, damage: Any) -> None:
    expected = train_tiny(tmp_path / "whole")
    for _ in range(6):
        train_tiny(tmp_path / "hurt", stop_after_seconds=0)
    damage(checkpoints(tmp_path / "hurt")[-1] / file)
    with pytest.warns(UserWarning, match="step-00000006 is damaged") as warned:
        result = train_tiny(tmp_path / "hurt")
    assert len(warned) == 1
    assert result.history == expected.history


def test_with_every_checkpoint_damaged_the_training_starts_anew(tmp_path: Path) -> None:
    expected = train_tiny(tmp_path / "whole")
    for _ in range(3):
        train_tiny(tmp_path / "hurt", stop_after_seconds=0)
    for checkpoint in checkpoints(tmp_path / "hurt"):
        shutil.rmtree(checkpoint)
        checkpoint.mkdir()
    with pytest.warns(UserWarning, match="damaged"):
        result = train_tiny(tmp_path / "hurt")
    assert result.history == expected.history


def test_what_a_killed_save_left_is_cleared_away(tmp_path: Path) -> None:
    train_tiny(tmp_path, stop_after_seconds=0)
    leftover = tmp_path / "checkpoints" / ".step-00000002.abc"
    leftover.mkdir()
    (leftover / "model.safetensors").write_bytes(b"half")
    train_tiny(tmp_path)
    assert not leftover.exists()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"peak_lr": 0.02}, "peak_lr 0.01, not 0.02"),
        ({"steps": 20}, "steps 12, not 20"),
        ({"dropout": 0.2}, "another model"),
        ({"model": tiny_model(d_model=32)}, "another model"),
    ],
)
def test_a_folder_goes_on_with_its_own_training_only(
    tmp_path: Path, change: dict[str, Any], message: str
) -> None:
    train_tiny(tmp_path, stop_after_seconds=0)
    with pytest.raises(GptreproError, match=message):
        train_tiny(tmp_path, **change)


def test_how_a_training_is_computed_and_watched_may_change(tmp_path: Path) -> None:
    train_tiny(tmp_path, stop_after_seconds=0)
    assert train_tiny(tmp_path, accumulate=2, log_every=3, checkpoint_at=(5,)).finished


def test_a_full_disk_while_saving_leaves_the_earlier_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = train_tiny(tmp_path / "whole")
    train_tiny(tmp_path / "full", stop_after_seconds=0)
    write = Path.write_bytes

    def refuse(path: Path, data: bytes) -> int:
        if path.name != "training.safetensors":
            return write(path, data)
        write(path, data[:100])
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch, pytest.raises(GptreproError, match="disk is full"):
        patch.setattr(Path, "write_bytes", refuse)
        train_tiny(tmp_path / "full", checkpoint_every_seconds=0)
    assert [path.name for path in checkpoints(tmp_path / "full")] == ["step-00000001"]
    assert train_tiny(tmp_path / "full").history == expected.history


def test_weights_are_kept_at_the_chosen_steps(tmp_path: Path) -> None:
    trained = tiny_model()
    train_tiny(tmp_path, model=trained, checkpoint_at=(0, 3, 12))
    early, last = tiny_model(), tiny_model()
    load_weights(early, weights_file(tmp_path, 0))
    load_weights(last, weights_file(tmp_path, 12))
    assert torch.equal(early.wte.weight, tiny_model().wte.weight)
    assert torch.equal(last.wte.weight, trained.wte.weight)
    assert weights_file(tmp_path, 3).exists()


def test_missing_damaged_and_foreign_weights_are_one_sentence(tmp_path: Path) -> None:
    train_tiny(tmp_path, checkpoint_at=(12,))
    path = weights_file(tmp_path, 12)
    with pytest.raises(GptreproError, match="no weights"):
        load_weights(tiny_model(), tmp_path / "absent")
    with pytest.raises(GptreproError, match="another model"):
        load_weights(tiny_model(d_model=32), path)
    flip_a_byte(path)
    with pytest.raises(GptreproError, match=r"damaged .*SHA-256"):
        load_weights(tiny_model(), path)
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(GptreproError, match="damaged"):
        load_weights(tiny_model(), path)
