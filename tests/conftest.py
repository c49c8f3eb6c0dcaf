"""What all tests share: a home of their own, and the mirror where there is one."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

# One thread a worker: several workers with several threads each would wait for one another.
os.environ.setdefault("OMP_NUM_THREADS", "1")

from gptrepro import storage


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
