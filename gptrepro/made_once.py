"""What several processes may want at once is made by one of them, and found by the others."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from gptrepro import storage

T = TypeVar("T")

PATIENCE_SECONDS = 3600.0
"""How long one waits for who is making the same."""


def made_once(path: Path, found: Callable[[], T | None], make: Callable[[], T]) -> T:
    """What stands at ``path``: found there, or made by who has the turn while the others wait for it.

    The turn is held in the home, so that nothing but what is made appears beside it.

    Args:
        path: what is to be made.
        found: what is there already, or None.
        make: makes it.

    Raises:
        GptreproError: another process has been making it for an hour.
    """
    there = found()
    if there is not None:
        return there
    place = path.absolute()
    turn = storage.home() / "turns" / f"{place.name}-{storage.sha256_text(str(place))[:8]}"
    busy = f"Another process has been making {path} for an hour: wait for it, or stop it."
    with storage.sole_holder(turn, busy, PATIENCE_SECONDS):
        there = found()  # by who had the turn before
        return make() if there is None else there
