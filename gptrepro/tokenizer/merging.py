"""Byte pair encoding one merge at a time, as one does it by hand; `tokenizers` does the same faster."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise


@dataclass(frozen=True)
class MergeStep:
    """One merge in a word."""

    rank: int
    """The merge's place in the list of merges, from 0: when it was learned."""
    pair: tuple[str, str]
    symbols: list[str]
    """The word after it."""


def merge_steps(symbols: Sequence[str], merges: Sequence[tuple[str, str]]) -> list[MergeStep]:
    """The merges that turn a word's first symbols into its tokens, in the order in which they apply.

    Of the pairs that stand side by side, the one that was learned first is joined, wherever it occurs, until
    no pair is left that was ever learned (Sennrich et al. 2016, section 3.2).

    Args:
        symbols: what the word starts as, such as `gptrepro.tokenizer.gpt1.first_symbols` gives it.
        merges: pairs of symbols in the order in which they were learned.

    Returns:
        A step for each merge; none for a word without a known pair.
    """
    ranks = {pair: rank for rank, pair in enumerate(merges)}
    word = list(symbols)
    steps: list[MergeStep] = []
    while known := [ranks[pair] for pair in pairwise(word) if pair in ranks]:
        rank = min(known)
        word = _joined(word, merges[rank])
        steps.append(MergeStep(rank, merges[rank], word))
    return steps


def _joined(word: list[str], pair: tuple[str, str]) -> list[str]:
    """``word`` with the pair joined wherever it occurs, from the left."""
    joined: list[str] = []
    position = 0
    while position < len(word):
        width = 2 if tuple(word[position : position + 2]) == pair else 1
        joined.append("".join(word[position : position + width]))
        position += width
    return joined
