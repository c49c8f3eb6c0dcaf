"""Batches of random contiguous windows, in an order that any machine repeats exactly.

An epoch cuts the token stream into windows of ``context`` tokens from a random offset and visits each
window once in a random order (GPT-1 section 4.1: "randomly sampled, contiguous sequences"). The order
depends on the seed and the epoch alone: it sorts the raw output of the Philox counter-based generator,
whose stream is fixed by definition, whereas NumPy's ``permutation`` may change between releases.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gptrepro.errors import GptreproError


class Tokens(Protocol):
    """What batches need of token shards."""

    @property
    def tokens(self) -> NDArray[Any]: ...
    @property
    def digest(self) -> str: ...


class BatchSource(Protocol):
    """A stream of training batches whose exact position can be saved and restored."""

    batch_size: int
    context: int

    def next(self) -> tuple[Tensor, Tensor]: ...
    def take(self, n_windows: int) -> NDArray[np.int64]: ...
    def state_dict(self) -> dict[str, Any]: ...
    def load_state_dict(self, state: dict[str, Any]) -> None: ...


def random_words(seed: int, counter: int, n: int) -> NDArray[np.uint64]:
    """``n`` random 64-bit words that depend on the seed and the counter only."""
    key = hashlib.sha256(f"{seed}:{counter}".encode()).digest()[:16]
    words: NDArray[np.uint64] = np.random.Philox(key=int.from_bytes(key, "little")).random_raw(n)
    return words


def _as_batch(windows: NDArray[np.int64]) -> tuple[Tensor, Tensor]:
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
        self._digest = shards.digest
        self._seed = seed
        self._start_epoch(0)

    def _start_epoch(self, epoch: int) -> None:
        self._epoch = epoch
        self._position = 0
        # The offset stays below the context (every offset cuts another set of windows) and leaves room
        # for at least one window with its last target.
        n_offsets = min(self.context, self._n_tokens - self.context)
        words = random_words(self._seed, epoch, 1 + (self._n_tokens - 1) // self.context)
        offset = int(words[0] % np.uint64(n_offsets))
        n_windows = (self._n_tokens - 1 - offset) // self.context
        order = np.argsort(words[1 : 1 + n_windows], kind="stable")
        self._starts: NDArray[np.int64] = order * self.context + offset

    @property
    def epochs(self) -> float:
        """How often the text has been read so far, in epochs."""
        return self._epoch + self._position / len(self._starts)

    def take(self, n_windows: int) -> NDArray[np.int64]:
        """The next windows with their last targets: int64, shape (n_windows, context + 1)."""
        windows = np.empty((n_windows, self.context + 1), dtype=np.int64)
        filled = 0
        while filled < n_windows:
            if self._position == len(self._starts):
                self._start_epoch(self._epoch + 1)
            starts = self._starts[self._position : self._position + n_windows - filled]
            windows[filled : filled + len(starts)] = self._windows[starts]
            filled += len(starts)
            self._position += len(starts)
        return windows

    def next(self) -> tuple[Tensor, Tensor]:
        """The next batch: inputs and targets, int64 tensors of shape (batch_size, context)."""
        return _as_batch(self.take(self.batch_size))

    def state_dict(self) -> dict[str, Any]:
        """The exact position, as JSON values, with what it is a position in."""
        return {"text": self._digest, "seed": self._seed, "context": self.context} | {
            "epoch": self._epoch,
            "position": self._position,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on exactly where ``state`` was taken.

        Raises:
            GptreproError: the state belongs to another text, seed or context.
        """
        own = self.state_dict()
        for key in ("text", "seed", "context"):
            if state.get(key) != own[key]:
                raise GptreproError(
                    f"The saved position belongs to another {key} ({state.get(key)}, here {own[key]}): "
                    "resume with the settings of the run that was saved."
                )
        self._start_epoch(int(state["epoch"]))
        self._position = int(state["position"])


class Mixture:
    """Batches whose rows are drawn from several sources with given weights (GPT-3 section 2.2).

    Each row's source is drawn independently; within a source, windows follow its own order.

    Raises:
        GptreproError: no source, a weight that is not positive, or sources of unequal shape.
    """

    def __init__(self, sources: Sequence[tuple[BatchSource, float]], seed: int) -> None:
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
        self._draws = 0

    def take(self, n_windows: int) -> NDArray[np.int64]:
        """The next windows with their last targets: int64, shape (n_windows, context + 1)."""
        uniform = (random_words(self._seed, self._draws, n_windows) >> np.uint64(11)) * 2.0**-53
        chosen = np.searchsorted(self._boundaries, uniform, side="right")
        windows = np.empty((n_windows, self.context + 1), dtype=np.int64)
        for i, source in enumerate(self._sources):
            rows = chosen == i
            windows[rows] = source.take(int(rows.sum()))
        self._draws += 1
        return windows

    def next(self) -> tuple[Tensor, Tensor]:
        """The next batch: inputs and targets, int64 tensors of shape (batch_size, context)."""
        return _as_batch(self.take(self.batch_size))

    def state_dict(self) -> dict[str, Any]:
        """The exact position in every source, as JSON values."""
        return {
            "seed": self._seed,
            "draws": self._draws,
            "sources": [source.state_dict() for source in self._sources],
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on exactly where ``state`` was taken.

        Raises:
            GptreproError: the state belongs to another mixture.
        """
        sources = state.get("sources", [])
        if state.get("seed") != self._seed or len(sources) != len(self._sources):
            raise GptreproError(
                "The saved position belongs to another mixture: resume with the settings that were saved."
            )
        for source, saved in zip(self._sources, sources, strict=True):
            source.load_state_dict(saved)
        self._draws = int(state["draws"])
