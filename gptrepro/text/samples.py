"""Parts of a text as tokens, held in memory: what models are scored on."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from gptrepro.text.shards import TokenShards


@dataclass(frozen=True)
class Sample:
    """Part of a text, with the bytes and words that it amounts to in proportion."""

    tokens: NDArray[np.unsignedinteger]
    """(n_tokens,)"""
    n_bytes: int
    n_words: int

    @property
    def n_tokens(self) -> int:
        """Tokens in the sample."""
        return len(self.tokens)


class _Encodes(Protocol):
    """What a sample needs of a tokenizer."""

    def encode(self, text: str) -> list[int]: ...


def encoded(text: str, tokenizer: _Encodes) -> Sample:
    """A short text as tokens."""
    ids = np.asarray(tokenizer.encode(text), dtype=np.uint32)
    return Sample(ids, len(text.encode()), len(text.split()))


def beginning(documents: Iterable[str], characters: int) -> str:
    """The first documents, with blank lines between them, cut at a number of characters."""
    taken: list[str] = []
    left = characters
    for document in documents:
        taken.append(document[:left])
        left -= len(document) + 2
        if left <= 0:
            break
    return "\n\n".join(taken)


PASSAGE_TOKENS = 4096
"""Length of one passage of a sample."""


def spread_passages(shards: TokenShards, n_tokens: int) -> Sample:
    """About ``n_tokens`` of a text in passages of 4,096 tokens at equal distances, from start to end."""
    n_tokens = min(n_tokens, shards.n_tokens)
    passage = min(PASSAGE_TOKENS, n_tokens)
    starts = np.linspace(0, shards.n_tokens - passage, max(1, n_tokens // passage)).astype(int)
    tokens = np.concatenate([shards.tokens[start : start + passage] for start in starts])
    share = len(tokens) / shards.n_tokens
    return Sample(tokens, round(shards.n_bytes * share), round(shards.n_words * share))
