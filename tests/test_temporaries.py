"""What killed writers left is swept, and what a living one writes is not."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from gptrepro import storage, temporaries
from tests.killed import killed_while


@pytest.fixture
def leftovers(tmp_path: Path) -> list[Path]:
    """What a process left behind that was killed while it wrote a file and a folder."""
    killed_while(
        "with storage.atomic_file(Path('a.txt')), storage.atomic_folder(Path('b')) as folder:\n"
        "    (folder / 'half').write_text('')\n    print('ready', flush=True); input()",
        tmp_path,
    )
    left = sorted(tmp_path.iterdir())
    assert len(left) == 2 and all(path.suffix == ".new" for path in left)
    return left


def age(path: Path) -> None:
    """Let nobody have touched a file or folder for longer than a live writer would leave it."""
    for child in (path, *path.rglob("*")):
        os.utime(child, (0, time.time() - temporaries.STALE_SECONDS - 1))


def test_what_a_killed_writer_left_is_swept_when_it_is_old(leftovers: list[Path], tmp_path: Path):
    temporaries.sweep(tmp_path)
    assert all(path.exists() for path in leftovers)  # perhaps of a writer on another machine
    for path in leftovers:
        age(path)
    temporaries.sweep_once.cache_clear()
    storage.write_text(tmp_path / "c.txt", "")  # any write into the folder will do
    assert [path.name for path in tmp_path.iterdir()] == ["c.txt"]


def test_a_holder_sweeps_at_once(leftovers: list[Path], tmp_path: Path):
    with storage.sole_holder(tmp_path, ""):
        assert [path.name for path in tmp_path.iterdir()] == [storage.LOCK]


def test_a_living_writer_and_what_others_call_so_are_left_alone(tmp_path: Path):
    alien = tmp_path / ".notes.old"
    alien.write_text("")
    with storage.atomic_file(tmp_path / "a.txt") as temporary:
        for path in (alien, temporary):
            os.utime(path)
        temporaries.sweep(tmp_path, older_than=0)
        assert temporary.exists() and alien.exists()


def test_a_folder_that_a_killed_writer_had_set_aside_comes_back(leftovers: list[Path], tmp_path: Path):
    pid = leftovers[0].name.rpartition(".")[0].rpartition(".")[2]
    aside = tmp_path / f".b.{pid}.old" / "b"
    aside.mkdir(parents=True)
    (aside / "content").write_text("kept")
    temporaries.sweep(tmp_path, older_than=0)
    assert [path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*")] == ["b", "b/content"]
