"""Pairs of symbol sequences as tensors: alphabets, padding, and batches of pairs of similar length."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from gptrepro.earlier.seq2seq import END, N_SPECIAL, PAD
from gptrepro.errors import GptreproError
from gptrepro.text.order import EpochOrder, random_words, shuffled

POOL_BATCHES = 32
"""Batches that are drawn together and sorted by length, so that little of a batch is padding. Sutskever et
al. (2014, section 3.4) made the sentences of a minibatch roughly equal in length and doubled their speed."""


class Alphabet:
    """Symbols and their ids, which start after those of padding, start and end."""

    def __init__(self, symbols: Iterable[str]) -> None:
        self.symbols = tuple(symbols)
        self._ids = {symbol: i for i, symbol in enumerate(self.symbols, start=N_SPECIAL)}

    def __len__(self) -> int:
        """Ids in use, those of padding, start and end among them."""
        return len(self.symbols) + N_SPECIAL

    def encode(self, sequence: Iterable[str]) -> list[int]:
        """The ids of symbols.

        Raises:
            GptreproError: a symbol is not of this alphabet.
        """
        try:
            return [self._ids[symbol] for symbol in sequence]
        except KeyError as error:
            raise GptreproError(
                f"{error} is no symbol of this alphabet: it has {' '.join(self.symbols)}."
            ) from None

    def decode(self, ids: Iterable[int]) -> list[str]:
        """The symbols of ids that `encode` gave."""
        return [self.symbols[i - N_SPECIAL] for i in ids]


def padded(sequences: Sequence[Sequence[int]]) -> Tensor:
    """Sequences of ids, the shorter ones filled up behind: (B, longest) int64."""
    return pad_sequence([torch.tensor(ids) for ids in sequences], batch_first=True, padding_value=PAD)


class PairBatches:
    """Training batches of (source, target), each target closed by END, without replacement in an epoch.

    An epoch is shuffled, cut into pools of 32 batches, and each pool sorted by length; then the batches are
    shuffled. What does not fill a batch at the end of an epoch is left out of it. The order depends on the
    seed and the epoch alone.

    Args:
        sources, targets: ids of each pair.
        batch_size: pairs in a batch.
        seed: of the order.

    Raises:
        GptreproError: fewer pairs than a batch needs.
    """

    def __init__(
        self, sources: Sequence[list[int]], targets: Sequence[list[int]], batch_size: int, seed: int
    ) -> None:
        if len(sources) < batch_size:
            raise GptreproError(
                f"{len(sources)} pairs do not fill a batch of {batch_size}: use more of them."
            )
        self.batch_size = batch_size
        self._pairs = list(zip(sources, targets, strict=True))
        self._seed = seed
        self._order = EpochOrder(self._batches)

    def _batches(self, epoch: int) -> NDArray[np.int64]:
        """The pairs of an epoch's batches: (batches, batch_size)."""
        words = random_words(self._seed, epoch, 2 * len(self._pairs))
        pairs = shuffled(words[: len(self._pairs)])
        pool = POOL_BATCHES * self.batch_size
        batches = []
        for start in range(0, len(pairs), pool):
            by_length = sorted(
                pairs[start : start + pool].tolist(),
                key=lambda i: (len(self._pairs[i][0]), len(self._pairs[i][1])),
            )
            whole = len(by_length) - len(by_length) % self.batch_size
            batches += [by_length[at : at + self.batch_size] for at in range(0, whole, self.batch_size)]
        order = shuffled(words[len(self._pairs) : len(self._pairs) + len(batches)])
        return np.array(batches)[order]

    def next(self) -> tuple[Tensor, Tensor]:
        """The next batch: source (B, S) and target (B, T), int64 each."""
        chosen = [self._pairs[i] for i in self._order.take(1)[0]]
        return padded([source for source, _ in chosen]), padded([[*target, END] for _, target in chosen])

    def state_dict(self) -> dict[str, Any]:
        """The position, as JSON values."""
        return {"seed": self._seed} | self._order.state_dict()

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on exactly where ``state`` was taken.

        Raises:
            GptreproError: the state belongs to another seed.
        """
        if state.get("seed") != self._seed:
            raise GptreproError(
                f"The saved position belongs to another seed ({state.get('seed')}, here {self._seed}): "
                "resume with the settings of the run that was saved."
            )
        self._order.load_state_dict(state)
