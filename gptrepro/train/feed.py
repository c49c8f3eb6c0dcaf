"""What the loop asks of a source of batches, and how a batch is cut to save memory."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Protocol

from torch import Tensor

from gptrepro.errors import GptreproError
from gptrepro.model.loss import IGNORED_TARGET
from gptrepro.parallel import ONE, World


class BatchSource(Protocol):
    """An endless, deterministic source of batches whose exact position can be saved."""

    batch_size: int
    """Sequences in the next batch; the loop sets it (GPT-3's batches grow)."""

    def next(self) -> tuple[Tensor, ...]:
        """The arguments of the model's loss, each with the sequences along its first axis."""
        ...

    def state_dict(self) -> dict[str, Any]:
        """The position, as JSON."""
        ...

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go back to a saved position."""
        ...


def passes(
    batch: tuple[Tensor, ...], count: int, world: World = ONE
) -> Iterator[tuple[tuple[Tensor, ...], float]]:
    """Cut this rank's rows of a batch into ``count`` passes, each with its weight in the batch's mean loss.

    A loss is a mean over the scored targets (the batch's last tensor, where it is not ignored), so a pass
    weighs as much as its share of them, and the gradients of all passes of all ranks add up to that of the
    whole batch.

    Raises:
        GptreproError: no target of the batch is scored, so that there is no mean.
    """
    all_scored = _n_scored(batch)
    if not all_scored:
        raise GptreproError(
            "A batch has no target that is scored, so that its loss is a mean of nothing: leave out "
            "sequences whose targets are all ignored."
        )
    if count == 1 and world.size == 1:
        yield batch, 1.0
        return
    rows = world.rows(len(batch[0]))
    for piece in zip(*(part[rows].chunk(count) for part in batch), strict=True):
        if n_scored := _n_scored(piece):
            yield piece, n_scored / all_scored


def _n_scored(batch: tuple[Tensor, ...]) -> int:
    return int((batch[-1] != IGNORED_TARGET).sum())
