"""A home without any records, for outputs that must be the same for everyone."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gptrepro import storage


@contextmanager
def fresh_home() -> Iterator[dict[str, str]]:
    """Make an empty temporary home that shares the downloaded data packages; yields its variables.

    What runs in it sees published records only, never the reader's own runs.
    """
    packages = storage.home() / "packages"
    packages.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="gptrepro-home-") as folder:
        try:
            (Path(folder) / "packages").symlink_to(packages, target_is_directory=True)
        except OSError:  # Windows lets only some users make links
            shutil.copytree(packages, Path(folder) / "packages")
        yield {"GPTREPRO_HOME": folder}
