"""A training under fire: twenty kills, and a disk that keeps filling up."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gptrepro.errors import GptreproError
from tests.train.tiny import history, kill_at_random, start, train_tiny


@pytest.mark.skipif(sys.platform == "win32", reason="forks and kills processes")
@pytest.mark.parametrize("every_seconds", [0.0, 0.05], ids=["saving at every step", "saving now and then"])
def test_twenty_kills_at_random_moments_change_no_loss(tmp_path: Path, every_seconds: float) -> None:
    settings: dict[str, Any] = {"steps": 300, "checkpoint_every_seconds": every_seconds, "log_every": 1}
    whole = start(tmp_path / "whole", **settings)
    whole.join()
    chance = random.Random(time.time_ns())
    for _ in range(20):
        kill_at_random(tmp_path / "killed", chance, **settings)
        kept = [path.name for path in (tmp_path / "killed" / "checkpoints").glob("step-*")]
        assert len(kept) <= 3  # a kill may come between the rename and the removal of the oldest
    last = start(tmp_path / "killed", **settings)
    last.join()
    assert (last.exitcode, whole.exitcode) == (0, 0)
    assert history(tmp_path / "killed") == history(tmp_path / "whole")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of one megabyte."""
    place = tmp_path / "disk"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(place)]
    if sys.platform != "linux" or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("mounting a small disk needs Linux and root")
    try:
        yield place
    finally:
        subprocess.run(["umount", str(place)], check=True)


def test_a_disk_that_fills_up_costs_nothing_but_time(small_disk: Path, tmp_path: Path) -> None:
    settings: dict[str, Any] = {"steps": 60, "checkpoint_every_seconds": 0}
    expected = train_tiny(tmp_path / "whole", **settings)
    folder, ballast = small_disk / "run", small_disk / "ballast"
    refusals = 0
    for free in range(0, 400_000, 9_000):
        ballast.unlink(missing_ok=True)
        train_tiny(folder, stop_after_seconds=0, **settings)  # one update with room to save
        kept = sorted(path.name for path in (folder / "checkpoints").iterdir())
        room = 2**20 - sum(path.stat().st_size for path in small_disk.rglob("*") if path.is_file())
        try:
            with ballast.open("wb") as file:
                file.write(bytes(max(0, room - free)))
        except OSError:  # fuller than full: file systems round up
            pass
        try:
            train_tiny(folder, stop_after_seconds=0, **settings)
        except GptreproError as error:
            refusals += 1
            assert "disk is full" in str(error)
            assert sorted(path.name for path in (folder / "checkpoints").iterdir()) == kept
    ballast.unlink(missing_ok=True)
    assert refusals >= 10
    assert train_tiny(folder, **settings).history == expected.history == history(folder)
