"""Counting as a language model: interpolated Kneser-Ney, the strongest of the n-grams.

NLTK trains one with a single discount, over dictionaries, and tests hold this to it where the two are the
same model; over arrays it is short. KenLM's package for Python only queries.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gptrepro.errors import GptreproError

Ids = NDArray[np.integer]

FALLBACK_DISCOUNTS = (0.5, 1.0, 1.5)
"""Taken off counts of 1, 2 and more where a text is too small to estimate them."""


@dataclass(frozen=True)
class _Order:
    """The n-grams of one length, each written as one number in base ``n_vocab``, ascending."""

    grams: NDArray[np.int64]
    """(G,) distinct n-grams."""
    discounted: NDArray[np.float64]
    """(G,) their counts after the discount."""
    histories: NDArray[np.int64]
    """(C,) distinct histories: the n-grams without their last token."""
    totals: NDArray[np.float64]
    """(C,) counts of all n-grams that continue a history."""
    reserved: NDArray[np.float64]
    """(C,) what the discount has taken from them, for the shorter history to hand out."""

    @classmethod
    def of(cls, grams: NDArray[np.int64], counts: NDArray[np.int64], n_vocab: int) -> _Order:
        discounts = _discounts(counts)[np.minimum(counts, 3)]
        histories, first = np.unique(grams // n_vocab, return_index=True)
        return cls(
            grams,
            counts - discounts,
            histories,
            np.add.reduceat(counts.astype(np.float64), first),
            np.add.reduceat(discounts, first),
        )

    def interpolated(
        self, grams: NDArray[np.int64], n_vocab: int, shorter: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Probabilities of the last tokens of ``grams``, given those from the shorter history: (P,)."""
        history, met = _find(self.histories, grams // n_vocab)
        gram, seen = _find(self.grams, grams)
        counted = np.where(seen, self.discounted[gram], 0.0)
        return np.where(met, (counted + self.reserved[history] * shorter) / self.totals[history], shorter)


class KneserNey:
    """An n-gram model with interpolated, modified Kneser-Ney smoothing.

    A count is lowered by a discount that depends on whether it is 1, 2 or more, and what is saved goes to the
    model of the next shorter history. Shorter n-grams are not counted by how often they occur but by how many
    different tokens they follow: "Francisco" is frequent but follows hardly anything except "San", so that
    it is a poor guess elsewhere. The shortest model shares what is left among all tokens alike.

    Source: Kneser and Ney 1995; in the form of Chen and Goodman 1999, section 3.

    Args:
        windows: (W, L) token ids; n-grams are counted within each row.
        n_vocab: tokens in the vocabulary.
        order: tokens of the longest n-gram.

    Raises:
        GptreproError: the order is not in 1..L, or n-grams of so many tokens do not fit 63 bits.
    """

    def __init__(self, windows: Ids, n_vocab: int, order: int) -> None:
        if not 1 <= order <= windows.shape[1] or n_vocab**order >= 2**63:
            raise GptreproError(
                f"n-grams of {order} among {n_vocab} tokens cannot be counted here: choose an order of at "
                f"least 1, at most {windows.shape[1]} and with {n_vocab}^order below 2^63."
            )
        self.n_vocab = n_vocab
        grams, counts = np.unique(_grams(windows, order, n_vocab), return_counts=True)
        orders = [_Order.of(grams, counts, n_vocab)]
        for length in range(order - 1, 0, -1):
            # each distinct longer n-gram is one more token that its last ``length`` tokens follow
            grams, counts = np.unique(grams % n_vocab**length, return_counts=True)
            orders.insert(0, _Order.of(grams, counts, n_vocab))
        self._orders = orders
        """By length, the single tokens first."""

    @property
    def n_counts(self) -> int:
        """Counts that the model keeps: its parameters, so to speak."""
        return sum(len(order.grams) for order in self._orders)

    def nll(self, tokens: Ids) -> NDArray[np.float64]:
        """Negative log-likelihood of every token but the first, in nats: (n,) -> (n - 1,).

        Every token is predicted from the ``order - 1`` tokens before it, or from as many as there are.
        """
        chance = np.full(len(tokens), 1.0 / self.n_vocab)
        for length, order in enumerate(self._orders, start=1):
            grams = _grams(tokens[None], length, self.n_vocab)
            chance[length - 1 :] = order.interpolated(grams, self.n_vocab, chance[length - 1 :])
        nll: NDArray[np.float64] = -np.log(chance[1:])
        return nll


def _grams(windows: Ids, length: int, n_vocab: int) -> NDArray[np.int64]:
    """All n-grams of ``length`` tokens within the rows of ``windows`` as numbers: (W * (L - length + 1),)."""
    n = windows.shape[1] - length + 1
    grams = np.zeros((windows.shape[0], max(n, 0)), dtype=np.int64)
    for place in range(length):
        grams = grams * n_vocab + windows[:, place : place + n]
    return grams.ravel()


def _find(
    ascending: NDArray[np.int64], wanted: NDArray[np.int64]
) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
    """Where each of ``wanted`` would be in ``ascending``, within its bounds, and whether it is there."""
    place = np.minimum(np.searchsorted(ascending, wanted), len(ascending) - 1)
    return place, ascending[place] == wanted


def _discounts(counts: NDArray[np.int64]) -> NDArray[np.float64]:
    """What is taken off counts of 0 (nothing), 1, 2 and more: (4,).

    Estimated from how many n-grams were counted once to four times (Chen and Goodman 1999, equation 26). A
    discount of nothing, or of a whole count, would leave some tokens without any probability.
    """
    n1, n2, n3, n4 = (int((counts == k).sum()) for k in range(1, 5))
    estimates = FALLBACK_DISCOUNTS
    if min(n1, n2, n3, n4) > 0:
        once = n1 / (n1 + 2 * n2)
        estimates = (1 - 2 * once * n2 / n1, 2 - 3 * once * n3 / n2, 3 - 4 * once * n4 / n3)
        if not all(0 < discount < count for count, discount in enumerate(estimates, start=1)):
            estimates = FALLBACK_DISCOUNTS
    return np.array([0.0, *estimates])
