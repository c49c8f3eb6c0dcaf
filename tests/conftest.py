"""What all tests share: a home of their own, and the mirror where there is one."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import filelock
import pytest
import torch

# One thread a worker: several workers with several threads each would wait for one another.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("GPTREPRO_THREADS", "1")

from gptrepro import storage

HELD = pytest.StashKey[filelock.BaseFileLock]()


def hold_checkout(cache: Path, say: Callable[[str], None]) -> filelock.BaseFileLock:
    """The lock of a checkout's test runs, once it is ours: two would renew and read the same files."""
    cache.mkdir(parents=True, exist_ok=True)
    lock = filelock.FileLock(cache / "run.lock", timeout=0)
    try:
        lock.acquire()
    except filelock.Timeout:
        say("Another test run is at work in this checkout: this one waits for it to end.")
        lock.acquire(timeout=-1)
    return lock


def pytest_sessionstart(session: pytest.Session) -> None:
    """Hold the checkout, unless this is a worker of a run that does, or a run within one of its tests."""
    config = session.config
    if hasattr(config, "workerinput") or "PYTEST_CURRENT_TEST" in os.environ or config.option.collectonly:
        return
    cache = config.rootpath / ".pytest_cache"
    config.stash[HELD] = hold_checkout(cache, lambda line: print(line, file=sys.__stderr__, flush=True))


def pytest_unconfigure(config: pytest.Config) -> None:
    """Let the next run go on."""
    if (lock := config.stash.get(HELD, None)) is not None:
        lock.release()


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave what is marked ``stress`` to ``make stress``, unless a mark or a test is asked for by name.

    What is marked ``gpu`` is skipped where there is none.
    """
    for item in items:
        if item.get_closest_marker("gpu") and not torch.cuda.is_available():
            item.add_marker(pytest.mark.skip(reason="this torch sees no GPU"))
    if "stress" in config.option.markexpr or any("::" in argument for argument in config.args):
        return
    left = [item for item in items if item.get_closest_marker("stress")]
    config.hook.pytest_deselected(items=left)
    items[:] = [item for item in items if item not in left]


@pytest.fixture(scope="session", autouse=True)
def isolated_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A fresh ``GPTREPRO_HOME`` for the session, so that no test sees or changes a user's runs.

    Only the downloaded data packages are shared with the real home: they are verified whenever they are
    opened, and fetching them anew for every session would be rude to the index.
    """
    packages = storage.home() / "packages"
    home = tmp_path_factory.mktemp("home")
    packages.mkdir(parents=True, exist_ok=True)
    try:
        (home / "packages").symlink_to(packages, target_is_directory=True)
    except OSError:  # Windows without developer mode
        shutil.copytree(packages, home / "packages")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GPTREPRO_HOME", str(home))
        yield home


@pytest.fixture
def mirror() -> Path:
    """The folder of real data sets that ``GPTREPRO_MIRROR`` names; skips where it is not set."""
    configured = os.environ.get("GPTREPRO_MIRROR")
    if not configured:
        pytest.skip("GPTREPRO_MIRROR is not set")
    return Path(configured)
