"""What both kinds of tokenizer training share: a cap on pieces, and an ear for signals."""

from __future__ import annotations

import threading
from collections.abc import Callable

LONGEST_PIECE = 256
"""Symbols of a piece that merges are learned from; a longer one is cut. The time of learning grows with the
square of a piece, and text without spaces is one piece. No word of ordinary text is as long."""


def heard(work: Callable[[], None]) -> None:
    """Do ``work``, whose time passes outside Python, in a thread, so that signals reach this one.

    Raises:
        BaseException: what ``work`` raised, or what a signal's handler did, such as KeyboardInterrupt; the
            thread then goes on unheeded until its end or that of the process.
    """
    raised: list[BaseException] = []

    def attempt() -> None:
        try:
            work()
        except BaseException as error:
            raised.append(error)

    thread = threading.Thread(target=attempt, daemon=True)
    thread.start()
    while thread.is_alive():
        thread.join(0.1)
    if raised:
        raise raised[0]
