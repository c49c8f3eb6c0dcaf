"""The order in which training data is read: random, and the same on every machine.

It depends on a seed and the epoch alone: it sorts the raw output of the Philox counter-based generator,
whose stream is fixed by definition, whereas NumPy's ``permutation`` may change between releases.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray


def random_words(seed: int, counter: int, n: int) -> NDArray[np.uint64]:
    """``n`` random 64-bit words that depend on the seed and the counter only."""
    key = hashlib.sha256(f"{seed}:{counter}".encode()).digest()[:16]
    words: NDArray[np.uint64] = np.random.Philox(key=int.from_bytes(key, "little")).random_raw(n)
    return words


def shuffled(words: NDArray[np.uint64]) -> NDArray[np.int64]:
    """The numbers below ``len(words)``, each once, in the order of the words."""
    return np.argsort(words, kind="stable")


class EpochOrder:
    """Items without replacement within an epoch, epoch after epoch, with a position that can be saved.

    Args:
        of_epoch: the items of an epoch in their order, along the first axis, at least one.
    """

    def __init__(self, of_epoch: Callable[[int], NDArray[np.int64]]) -> None:
        self._of_epoch = of_epoch
        self._start(0)

    def _start(self, epoch: int) -> None:
        self._epoch, self._position = epoch, 0
        self._items = self._of_epoch(epoch)

    @property
    def epochs(self) -> float:
        """How often all items have been taken so far, in epochs."""
        return self._epoch + self._position / len(self._items)

    def take(self, n: int) -> NDArray[np.int64]:
        """The next ``n`` items, which may span the end of one epoch and the start of the next."""
        parts = [self._items[:0]]
        missing = n
        while missing:
            if self._position == len(self._items):
                self._start(self._epoch + 1)
            part = self._items[self._position : self._position + missing]
            parts.append(part)
            missing -= len(part)
            self._position += len(part)
        return np.concatenate(parts)

    def seek(self, index: int) -> None:
        """Go to where ``index`` items have been taken since the start."""
        self._start(0)
        while index >= len(self._items):
            index -= len(self._items)
            self._start(self._epoch + 1)
        self._position = index

    def state_dict(self) -> dict[str, int]:
        """The exact position, as JSON values."""
        return {"epoch": self._epoch, "position": self._position}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on exactly where ``state`` was taken.

        Raises:
            ValueError: it is no position in these items.
        """
        epoch, position = int(state["epoch"]), int(state["position"])
        if epoch < 0:
            raise ValueError("an epoch before the first")
        self._start(epoch)
        if not 0 <= position <= len(self._items):
            raise ValueError("a position outside the epoch")
        self._position = position
