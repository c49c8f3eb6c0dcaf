"""Being stopped, killed or damaged changes nothing in a training."""

from __future__ import annotations

import errno
import json
import os
import random
import shutil
import signal
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest
import torch

from gptrepro.errors import GptreproError
from gptrepro.train import Interrupted
from gptrepro.train.state import KEPT_CHECKPOINTS
from tests.train.tiny import history, kill_at_random, start, tiny_model, train_tiny

processes = pytest.mark.skipif(sys.platform == "win32", reason="forks and kills processes")


def weights_equal(a: torch.nn.Module, b: torch.nn.Module) -> bool:
    return all(torch.equal(x, y) for x, y in zip(a.parameters(), b.parameters(), strict=True))


def checkpoints(folder: Path) -> list[Path]:
    return sorted((folder / "checkpoints").iterdir())


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


@pytest.mark.parametrize("file", ["model.safetensors", "training.safetensors", "state.json"])
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


def test_a_torn_last_line_of_metrics_is_written_again(tmp_path: Path) -> None:
    expected = train_tiny(tmp_path / "whole")
    train_tiny(tmp_path / "torn", stop_after_seconds=0)
    with (tmp_path / "torn" / "metrics.jsonl").open("a") as file:
        file.write('{"step": 2, "lo')
    assert train_tiny(tmp_path / "torn").history == expected.history == history(tmp_path / "torn")


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


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_saves_and_says_how_to_go_on(tmp_path: Path, number: signal.Signals) -> None:
    expected = train_tiny(tmp_path / "whole")
    handlers = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)

    def press(model: torch.nn.Module) -> dict[str, float]:
        if model.training is False and len(history(tmp_path / "stopped")) == 4:
            signal.raise_signal(number)
        return {}

    with pytest.raises(Interrupted, match=f"Stopped by {number.name} after step 5 of 12.*same command again"):
        train_tiny(tmp_path / "stopped", evaluate=press, evaluate_every=1)
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == handlers
    assert train_tiny(tmp_path / "stopped").history == expected.history


def test_a_second_signal_acts_at_once(tmp_path: Path) -> None:
    def press_twice(model: torch.nn.Module) -> dict[str, float]:
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)
        return {}

    with pytest.raises(KeyboardInterrupt):
        train_tiny(tmp_path, evaluate=press_twice, evaluate_every=1)


def test_training_works_outside_the_main_thread(tmp_path: Path) -> None:
    results = []
    thread = threading.Thread(target=lambda: results.append(train_tiny(tmp_path)))
    thread.start()
    thread.join()
    assert results[0].finished


@processes
def test_sigterm_stops_a_process_with_everything_saved(tmp_path: Path) -> None:
    child = start(tmp_path, steps=500)
    while len(history(tmp_path)) < 3 and child.is_alive():
        time.sleep(0.005)
    os.kill(child.pid or 0, signal.SIGTERM)
    child.join()
    done = len(history(tmp_path))
    assert [path.name for path in checkpoints(tmp_path)] == [f"step-{done:08d}"]
    assert done < 500


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


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_while_logging_is_explained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened = Path.open

    def open_full(path: Path, *arguments: Any, **options: Any) -> Any:
        return opened(Path("/dev/full") if path.name == "metrics.jsonl" else path, *arguments, **options)

    monkeypatch.setattr(Path, "open", open_full)
    with pytest.raises(GptreproError, match=r"disk is full while writing .*metrics.jsonl.*last checkpoint"):
        train_tiny(tmp_path)


@processes
def test_a_second_process_in_the_folder_is_turned_away(tmp_path: Path) -> None:
    child = start(tmp_path, steps=5000)
    while len(history(tmp_path)) < 1 and child.is_alive():
        time.sleep(0.005)
    with pytest.raises(GptreproError, match="Another process is training"):
        train_tiny(tmp_path, steps=5000)
    child.kill()
    child.join()
    assert train_tiny(tmp_path, steps=5000, stop_after_seconds=0).step >= 1  # a killed one has let go
