"""Batches of the size that an update asks for, with an exact position."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Protocol

import torch
from torch import Tensor

IGNORED_TARGET = -100
"""The target that counts for nothing in a loss."""


class BatchSource(Protocol):
    """An endless, deterministic source of batches whose position can be saved."""

    def next(self) -> tuple[Tensor, ...]:
        """The arguments of the model's loss, each with the sequences along its first axis."""
        ...

    def state_dict(self) -> dict[str, Any]:
        """The position, as JSON."""
        ...

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go back to a saved position."""
        ...


class Feed:
    """Cuts a source's batches into the sizes that the updates ask for, losing and repeating nothing.

    With a constant batch size this hands the source's batches through; GPT-3's batch ramp asks for
    smaller ones at first.
    """

    def __init__(self, source: BatchSource) -> None:
        self._source = source
        self._before = source.state_dict()  # the source's position before the batch that is being cut
        self._batch: tuple[Tensor, ...] = ()
        self._used = 0

    def take(self, sequences: int) -> tuple[Tensor, ...]:
        """The next ``sequences`` sequences."""
        pieces: list[tuple[Tensor, ...]] = []
        missing = sequences
        while missing:
            if not self._batch or self._used == len(self._batch[0]):
                self._before = self._source.state_dict()
                self._batch = self._source.next()
                self._used = 0
            taken = min(missing, len(self._batch[0]) - self._used)
            pieces.append(tuple(part[self._used : self._used + taken] for part in self._batch))
            self._used += taken
            missing -= taken
        return (
            pieces[0] if len(pieces) == 1 else tuple(torch.cat(parts) for parts in zip(*pieces, strict=True))
        )

    def state_dict(self) -> dict[str, Any]:
        """The position, as JSON."""
        if self._batch and self._used == len(self._batch[0]):
            return {"source": self._source.state_dict(), "used": 0}
        return {"source": self._before, "used": self._used}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go back to a saved position."""
        self._source.load_state_dict(state["source"])
        self._before, self._batch, self._used = state["source"], (), 0
        if state["used"]:
            self.take(state["used"])


def passes(batch: tuple[Tensor, ...], count: int) -> Iterator[tuple[tuple[Tensor, ...], float]]:
    """Cut a batch into ``count`` passes, each with its weight in the batch's mean loss.

    A loss is a mean over the scored targets (the batch's last tensor, where it is not -100), so a pass
    weighs as much as its share of them; the gradient is then that of the whole batch.
    """
    if count == 1:
        yield batch, 1.0
        return
    pieces = list(zip(*(part.chunk(count) for part in batch), strict=True))
    counts = [int((piece[-1] != IGNORED_TARGET).sum()) for piece in pieces]
    for piece, scored_here in zip(pieces, counts, strict=True):
        if scored_here:
            yield piece, scored_here / sum(counts)
