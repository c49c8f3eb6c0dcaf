"""One process a training: two in the same folder would mix their rows."""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gptrepro.errors import GptreproError

try:
    import fcntl
except ImportError:  # Windows has no such locks; there it is left to the user
    fcntl = None  # type: ignore[assignment]


@contextmanager
def sole_trainer(folder: Path) -> Iterator[None]:
    """Hold the folder until the block ends; a process that is killed lets go by itself.

    Raises:
        GptreproError: another process, or another thread of this one, trains there.
    """
    with contextlib.ExitStack() as stack:
        if fcntl is not None:
            with contextlib.suppress(OSError):  # the first file that is written says what is wrong
                folder.mkdir(parents=True, exist_ok=True)
                descriptor = os.open(folder, os.O_RDONLY)
                stack.callback(os.close, descriptor)
                _lock(descriptor, folder)
        yield


def _lock(descriptor: int, folder: Path) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in (errno.EWOULDBLOCK, errno.EACCES):
            raise GptreproError(
                f"Another process is training in {folder}: let it finish, or choose another folder."
            ) from error
        raise  # some network file systems know no locks
