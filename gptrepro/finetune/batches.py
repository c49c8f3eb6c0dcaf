"""Batches of labelled rows, in an order that any machine repeats exactly."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from functools import cached_property
from typing import Any

from torch import Tensor

from gptrepro import storage
from gptrepro.errors import GptreproError
from gptrepro.finetune.inputs import EncodedExample, collate
from gptrepro.text.order import EpochOrder, random_words, shuffled


class LabelledBatches:
    """Batches of random rows, each row once an epoch; a batch may span the end of one epoch and the next.

    Which rows meet in a batch does not depend on their lengths: with a hundred rows, batches of equal length
    would be the same ones in every epoch. Padding is saved inside a batch, by `FineTuned`.

    Args:
        examples: the rows.
        batch_size: rows in a batch.
        seed: of the order, which depends on it and the epoch alone.

    Raises:
        GptreproError: no rows.
    """

    def __init__(self, examples: Sequence[EncodedExample], batch_size: int, seed: int) -> None:
        if not examples:
            raise GptreproError("There are no labelled rows to train on: choose at least one.")
        self.batch_size = batch_size
        self._examples = examples
        self._seed = seed
        self._order = EpochOrder(lambda epoch: shuffled(random_words(seed, epoch, len(examples))))

    def next(self) -> tuple[Tensor, Tensor]:
        """The next batch: ids (B, S, T) int64 and labels (B,)."""
        return collate([self._examples[i] for i in self._order.take(self.batch_size)])

    @cached_property
    def digest(self) -> str:
        """SHA-256 over the rows' ids and labels."""
        return storage.sha256_text(storage.canonical_json([asdict(example) for example in self._examples]))

    def state_dict(self) -> dict[str, Any]:
        """The exact position, as JSON values, with what it is a position in."""
        return {"rows": self.digest, "seed": self._seed} | self._order.state_dict()

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on exactly where ``state`` was taken.

        Raises:
            GptreproError: the state belongs to other rows or another seed.
        """
        if (state.get("rows"), state.get("seed")) != (self.digest, self._seed):
            raise GptreproError(
                "The saved position belongs to other labelled rows or another seed: resume with the settings "
                "of the run that was saved."
            )
        self._order.load_state_dict(state)
