"""What an atomic write is called before it is done, and how what killed writers left is swept away."""

from __future__ import annotations

import contextlib
import functools
import os
import re
import shutil
import time
from pathlib import Path

STALE_SECONDS = 3600.0
"""A temporary file or folder whose writer is gone is swept when nobody has touched it for so long."""

ABANDONED_SECONDS = 24 * 3600.0
"""Nobody writes for so long without a touch: what has the number of its writer then is another process."""

_TEMPORARY = re.compile(r"\.(?P<name>.+)\.(?P<pid>\d+)-\w+\.(?P<kind>new|old)")
"""What an atomic write is called before it is done, or what it replaces: the name, the process, its kind."""

_STARTED = time.time()


def affixes(name: str, kind: str) -> tuple[str, str]:
    """The suffix and the prefix of a name that `sweep` knows."""
    return f".{kind}", f".{name}.{os.getpid()}-"


@functools.cache
def sweep_once(folder: Path) -> None:
    """Once a process is enough: thousands of writes into one folder would each list it."""
    sweep(folder)


def sweep(folder: Path, older_than: float = STALE_SECONDS) -> None:
    """Remove what killed writers left in ``folder``, and put back what one of them had set aside.

    Left alone is what a living process may still write, or somebody has touched in the last ``older_than``
    seconds: process numbers say nothing about another machine that shares the folder.
    """
    for leftover in folder.glob(".*-*.*"):
        match = _TEMPORARY.fullmatch(leftover.name)
        if match is None:
            continue
        with contextlib.suppress(OSError):  # somebody else sweeps here too
            touched = max(path.lstat().st_mtime for path in (leftover, *leftover.rglob("*")))
            age = time.time() - touched
            if age < older_than or (age < ABANDONED_SECONDS and _is_alive(int(match["pid"]), touched)):
                continue
            aside, place = leftover / match["name"], folder / match["name"]
            if match["kind"] == "old" and aside.exists() and not place.exists():
                aside.replace(place)
            if leftover.is_dir():
                shutil.rmtree(leftover, ignore_errors=True)
            else:
                leftover.unlink()


def _is_alive(pid: int, touched: float) -> bool:
    """Whether the process that wrote at ``touched`` may still be at work; numbers are given out again."""
    if pid == os.getpid():
        return touched >= _STARTED
    if os.name == "nt":  # os.kill would end it; Windows keeps what is open from being removed
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # another user's
        return True
    return True
