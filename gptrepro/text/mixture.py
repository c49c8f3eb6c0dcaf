"""Batches whose windows come from several texts with given weights (GPT-3 section 2.2)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from gptrepro.errors import GptreproError
from gptrepro.text.batches import as_batch
from gptrepro.text.order import random_words

BLOCK = 4096
"""Windows whose sources are drawn together: the draw of window i is word i % BLOCK of counter i // BLOCK."""


class WindowSource(Protocol):
    """A text as an endless row of windows, of which any number can be skipped."""

    batch_size: int
    context: int

    @property
    def identity(self) -> dict[str, Any]: ...
    def take(self, n_windows: int) -> NDArray[np.int64]: ...
    def seek(self, window: int) -> None: ...


class Mixture:
    """Batches whose windows are drawn from several sources with given weights.

    The source of a window depends on the seed and the window's index alone, however the windows are cut
    into batches; within a source, windows follow its own order. So a position is an index.

    Raises:
        GptreproError: no source, a weight that is not positive, or sources of unequal shape.
    """

    def __init__(self, sources: Sequence[tuple[WindowSource, float]], seed: int) -> None:
        shapes = {(source.batch_size, source.context) for source, _ in sources}
        if len(shapes) != 1 or any(weight <= 0 for _, weight in sources):
            raise GptreproError(
                "A mixture needs sources of one batch size and one context, each with a weight above zero."
            )
        self.batch_size, self.context = shapes.pop()
        self._sources = [source for source, _ in sources]
        weights = np.array([weight for _, weight in sources], dtype=np.float64)
        self._boundaries = np.cumsum(weights / weights.sum())[:-1]
        self._seed = seed
        self.seek(0)

    def _chosen(self, block: int) -> NDArray[np.int64]:
        """The sources of a block's windows."""
        uniform = (random_words(self._seed, block, BLOCK) >> np.uint64(11)) * 2.0**-53
        return np.searchsorted(self._boundaries, uniform, side="right")

    def take(self, n_windows: int) -> NDArray[np.int64]:
        """The next windows with their last targets: int64, shape (n_windows, context + 1)."""
        first, last = self._index // BLOCK, (self._index + n_windows - 1) // BLOCK
        drawn = [self._chosen(block) for block in range(first, max(first, last) + 1)]
        chosen = np.concatenate(drawn)[self._index - first * BLOCK :][:n_windows]
        windows = np.empty((n_windows, self.context + 1), dtype=np.int64)
        for i, source in enumerate(self._sources):
            rows = chosen == i
            windows[rows] = source.take(int(rows.sum()))
        self._index += n_windows
        return windows

    def seek(self, window: int) -> None:
        """Go to where so many windows have been taken since the start."""
        self._index = window
        whole, rest = divmod(window, BLOCK)
        taken = np.zeros(len(self._sources), dtype=np.int64)
        for block in range(whole + (rest > 0)):  # a block takes 0.1 ms: GPT-3's 146 million windows, seconds
            chosen = self._chosen(block)[: rest if block == whole else BLOCK]
            taken += np.bincount(chosen, minlength=len(self._sources))
        for source, windows in zip(self._sources, taken, strict=True):
            source.seek(int(windows))

    def next(self) -> tuple[Tensor, Tensor]:
        """The next batch: inputs and targets, int64 tensors of shape (batch_size, context)."""
        return as_batch(self.take(self.batch_size))

    @property
    def identity(self) -> dict[str, Any]:
        """What a position is a position in, as JSON values."""
        return {
            "seed": self._seed,
            "boundaries": self._boundaries.tolist(),
            "sources": [source.identity for source in self._sources],
        }

    def state_dict(self) -> dict[str, Any]:
        """The exact position, as JSON values, with what it is a position in."""
        return self.identity | {"index": self._index}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on exactly where ``state`` was taken.

        Raises:
            GptreproError: the state belongs to another mixture.
        """
        if any(state.get(key) != value for key, value in self.identity.items()):
            raise GptreproError(
                "The saved position belongs to another mixture: resume with the settings that were saved."
            )
        self.seek(int(state["index"]))
