"""Checkpoints: the last two are kept, damage is noticed, and a folder belongs to one training."""

from __future__ import annotations

import errno
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch

from gptrepro import storage
from gptrepro.errors import GptreproError
from gptrepro.train import state
from gptrepro.train.state import KEPT_CHECKPOINTS, load_weights, newest_checkpoint, weights_file
from tests.killed import killed_while
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
    killed_while(
        "with storage.atomic_folder(Path('step-00000002')) as folder:\n"
        "    (folder / 'half').write_text('')\n    print('ready', flush=True); input()",
        tmp_path / "checkpoints",
    )
    assert len(checkpoints(tmp_path)) == 2
    train_tiny(tmp_path)
    assert [path.name[0] for path in checkpoints(tmp_path)] == ["s", "s"]


def forge(checkpoint: Path, **changes: Any) -> None:
    """Change what a checkpoint says, by path in it, and sign it again as a training would."""
    path = checkpoint / "state.json"
    content = json.loads(path.read_text())["content"]
    for place, value in changes.items():
        *above, last = place.split("__")
        part = content
        for name in above:
            part = part[name]
        if value is None:
            del part[last]
        else:
            part[last] = value
    signed = {"content": content, "sha256": storage.sha256_text(storage.canonical_json(content))}
    path.write_text(json.dumps(signed))


FORGED = {
    "no batches": {"batches": None},
    "a field of tomorrow": {"tomorrow": 1},
    "a field of tomorrow in its progress": {"progress__tomorrow": 1},
    "no step": {"progress__step": "two"},
    "a step and a half": {"progress__step": 1.5},
    "no settings": {"settings": []},
    "another device": {"resolved__device": 3},
    "another number format": {"resolved__precision": "fp64"},
    "no weights": {"files": {}},
    "files that are no digests": {"files": {"model.safetensors": 1}},
}
UNUSABLE = {
    "no position": {"batches__position": None},
    "a position beyond the epoch": {"batches__position": 10**6},
    "a position before the epoch": {"batches__position": -1},
    "an epoch before the first": {"batches__epoch": -1},
    "a position that is none": {"batches__position": "here"},
}


@pytest.mark.parametrize("changes", FORGED.values(), ids=FORGED)
def test_a_forged_state_gives_way_to_the_checkpoint_before(tmp_path: Path, changes: dict[str, Any]) -> None:
    for _ in range(2):
        train_tiny(tmp_path, stop_after_seconds=0)
    forge(checkpoints(tmp_path)[-1], **changes)
    found = pytest.warns(UserWarning, match="step-00000002 is damaged")
    with found:
        checkpoint = newest_checkpoint(tmp_path / "checkpoints")
    assert checkpoint is not None and checkpoint.content.progress.step == 1


@pytest.mark.parametrize("content", [b"null", b"[]", b"{}", b"[" * 100_000, b'{"a":' * 100_000, b"\xff\xfe"])
def test_a_state_that_is_none_gives_way_to_the_checkpoint_before(tmp_path: Path, content: bytes) -> None:
    for _ in range(2):
        train_tiny(tmp_path, stop_after_seconds=0)
    (checkpoints(tmp_path)[-1] / "state.json").write_bytes(content)
    with pytest.warns(UserWarning, match="step-00000002 is damaged"):
        assert newest_checkpoint(tmp_path / "checkpoints") is not None


@pytest.mark.parametrize("changes", UNUSABLE.values(), ids=UNUSABLE)
def test_a_forged_position_is_one_sentence(tmp_path: Path, changes: dict[str, Any]) -> None:
    train_tiny(tmp_path, stop_after_seconds=0)
    forge(checkpoints(tmp_path)[-1], **changes)
    with pytest.raises(
        GptreproError, match=r"step-00000001 holds what no training of ours wrote .*delete it"
    ):
        train_tiny(tmp_path)


@pytest.mark.parametrize("name", ["metrics.jsonl", "checkpoints"])
def test_what_stands_in_the_place_of_our_files_is_one_sentence(tmp_path: Path, name: str) -> None:
    if name == "checkpoints":
        (tmp_path / name).write_text("mine")
    else:
        (tmp_path / name).mkdir()
    with pytest.raises(GptreproError, match=f"{name} can.* place"):
        train_tiny(tmp_path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"peak_lr": 0.02}, "peak_lr 0.01, not 0.02"),
        ({"steps": 11}, "steps 12, not 11"),
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


@pytest.mark.parametrize(
    "schedule", [{"schedule": "constant"}, {"schedule": "linear", "cooldown_steps": 2}], ids=str
)
def test_more_steps_make_the_training_that_had_them_from_the_start(
    tmp_path: Path, schedule: dict[str, Any]
) -> None:
    straight = train_tiny(tmp_path / "straight", steps=12, **schedule)
    for steps in (9, 12):
        partly = {"stop_after_seconds": 0} if steps == 9 else {}
        grown = train_tiny(tmp_path / "grown", steps=steps, **schedule, **partly)
    assert [row["loss"] for row in grown.history] == [row["loss"] for row in straight.history]


def test_a_constant_rate_lets_a_finished_training_grow(tmp_path: Path) -> None:
    constant: dict[str, Any] = {"schedule": "constant", "log_every": 1}
    train_tiny(tmp_path / "grown", steps=6, **constant)
    grown = train_tiny(tmp_path / "grown", steps=9, **constant)
    straight = train_tiny(tmp_path / "straight", steps=9, **constant)
    assert grown.step == 9
    assert [row["loss"] for row in grown.history] == [row["loss"] for row in straight.history]


def test_no_steps_are_added_to_a_rate_that_has_begun_to_fall(tmp_path: Path) -> None:
    train_tiny(tmp_path, steps=6)
    with pytest.raises(GptreproError, match="6 steps whose learning rate has begun to fall"):
        train_tiny(tmp_path, steps=9)


def test_a_field_that_has_come_since_is_at_its_default(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = state._described
    with monkeypatch.context() as earlier:
        earlier.setattr(
            state, "_described", lambda model: {k: v for k, v in known(model).items() if k != "position_std"}
        )
        train_tiny(tmp_path, stop_after_seconds=0)
    with pytest.raises(GptreproError, match="another model"):
        train_tiny(tmp_path, model=tiny_model(position_std=0.01))
    assert train_tiny(tmp_path).finished


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
