"""Batches of random contiguous windows, in an order that any machine repeats exactly.

An epoch cuts the token stream into windows of ``context`` tokens from a random offset and visits each
window once in a random order (GPT-1 section 4.1: "randomly sampled, contiguous sequences").
"""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gptrepro.errors import GptreproError
from gptrepro.text.order import EpochOrder, random_words, shuffled


class Tokens(Protocol):
    """What batches need of token shards."""

    @property
    def tokens(self) -> NDArray[Any]: ...
    @property
    def digest(self) -> str: ...


def as_batch(windows: NDArray[np.int64]) -> tuple[Tensor, Tensor]:
    """Windows (B, T+1) as inputs (B, T) and targets (B, T), the inputs shifted by one."""
    tensor = torch.from_numpy(windows)
    return tensor[:, :-1].contiguous(), tensor[:, 1:].contiguous()


class Batches:
    """Batches of windows from one token stream, without replacement within an epoch.

    ``batch_size`` may be changed between calls (a batch-size ramp): the position counts windows.
    A batch may span the end of one epoch and the start of the next.

    Raises:
        GptreproError: the stream is shorter than one window and its target.
    """

    def __init__(self, shards: Tokens, batch_size: int, context: int, seed: int) -> None:
        if len(shards.tokens) < context + 1:
            raise GptreproError(
                f"The text has only {len(shards.tokens):,} tokens, fewer than one window of "
                f"{context + 1:,}: use a longer text or a shorter context."
            )
        self.batch_size = batch_size
        self.context = context
        # Row i of this view is the window that starts at token i; nothing is copied until it is taken.
        self._windows = np.lib.stride_tricks.sliding_window_view(shards.tokens, context + 1)
        self._n_tokens = len(shards.tokens)
        self._seed = seed
        self._order = EpochOrder(self._starts)
        self.identity = {"text": shards.digest, "seed": seed, "context": context}
        """What a position is a position in, as JSON values."""

    def _starts(self, epoch: int) -> NDArray[np.int64]:
        """The first tokens of an epoch's windows."""
        # The offset stays below the context (every offset cuts another set of windows) and leaves room
        # for at least one window with its last target.
        n_offsets = min(self.context, self._n_tokens - self.context)
        words = random_words(self._seed, epoch, 1 + (self._n_tokens - 1) // self.context)
        offset = int(words[0] % np.uint64(n_offsets))
        n_windows = (self._n_tokens - 1 - offset) // self.context
        return shuffled(words[1 : 1 + n_windows]) * self.context + offset

    @property
    def epochs(self) -> float:
        """How often the text has been read so far, in epochs."""
        return self._order.epochs

    def take(self, n_windows: int) -> NDArray[np.int64]:
        """The next windows with their last targets: int64, shape (n_windows, context + 1)."""
        return self._windows[self._order.take(n_windows)].astype(np.int64)

    def seek(self, window: int) -> None:
        """Go to where so many windows have been taken since the start."""
        self._order.seek(window)

    def next(self) -> tuple[Tensor, Tensor]:
        """The next batch: inputs and targets, int64 tensors of shape (batch_size, context)."""
        return as_batch(self.take(self.batch_size))

    def state_dict(self) -> dict[str, Any]:
        """The exact position, as JSON values, with what it is a position in."""
        return self.identity | self._order.state_dict()

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on exactly where ``state`` was taken.

        Raises:
            GptreproError: the state belongs to another text, seed or context.
        """
        for key, value in self.identity.items():
            if state.get(key) != value:
                raise GptreproError(
                    f"The saved position belongs to another {key} ({state.get(key)}, here {value}): "
                    "resume with the settings of the run that was saved."
                )
        self._order.load_state_dict(state)
