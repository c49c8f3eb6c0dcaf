"""One process a training: two in the same folder would mix their rows."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gptrepro import storage


@contextmanager
def sole_trainer(folder: Path) -> Iterator[None]:
    """Hold the folder until the block ends; a process that is killed lets go by itself.

    Raises:
        GptreproError: another process, or another thread of this one, trains there.
    """
    busy = f"Another process is training in {folder}: let it finish, or choose another folder."
    with storage.sole_holder(folder, busy):
        yield
