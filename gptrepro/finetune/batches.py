"""Batches of labelled rows, in an order that any machine repeats exactly."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from functools import cached_property
from typing import Any

import numpy as np
from torch import Tensor

from gptrepro import storage
from gptrepro.errors import GptreproError
from gptrepro.finetune.inputs import EncodedExample, collate
from gptrepro.text.batches import random_words


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
        self._start_epoch(0)

    def _start_epoch(self, epoch: int) -> None:
        self._epoch, self._position = epoch, 0
        self._order = np.argsort(random_words(self._seed, epoch, len(self._examples)), kind="stable")

    def next(self) -> tuple[Tensor, Tensor]:
        """The next batch: ids (B, S, T) int64 and labels (B,)."""
        chosen: list[EncodedExample] = []
        while len(chosen) < self.batch_size:
            if self._position == len(self._order):
                self._start_epoch(self._epoch + 1)
            chosen.append(self._examples[self._order[self._position]])
            self._position += 1
        return collate(chosen)

    @cached_property
    def digest(self) -> str:
        """SHA-256 over the rows' ids and labels."""
        return storage.sha256_text(storage.canonical_json([asdict(example) for example in self._examples]))

    def state_dict(self) -> dict[str, Any]:
        """The exact position, as JSON values, with what it is a position in."""
        return {"rows": self.digest, "seed": self._seed, "epoch": self._epoch, "position": self._position}

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
        self._start_epoch(int(state["epoch"]))
        self._position = int(state["position"])
