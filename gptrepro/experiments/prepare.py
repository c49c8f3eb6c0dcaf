"""What experiments make once and share: tokenizers trained on a corpus, and samples to score."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from gptrepro import storage
from gptrepro.sources.corpora import Corpus
from gptrepro.text.shards import TokenShards
from gptrepro.tokenizer import Tokenizer, load_tokenizer, train_byte_level_bpe, train_gpt1_bpe

TokenizerKind = Literal["gpt1", "gpt2"]

_TRAINERS = {"gpt1": train_gpt1_bpe, "gpt2": train_byte_level_bpe}


def trained_tokenizer(
    kind: TokenizerKind, corpus: Corpus, n_vocab: int, prepared: Path, *, documents: int | None = None
) -> Tokenizer:
    """A BPE of ``n_vocab`` tokens in the style of a paper, trained on ``corpus`` or found in ``prepared``.

    Args:
        kind: the paper's way of tokenizing.
        corpus: what to train on.
        n_vocab: tokens in the vocabulary.
        prepared: folder of what experiments share.
        documents: train on the first so many documents; on all of them when None.
    """
    key = storage.sha256_text(storage.canonical_json([kind, corpus.digest, n_vocab, documents]))[:16]
    folder = prepared / "tokenizers" / f"{kind}-{corpus.name}-{n_vocab}-{key}"
    if not folder.exists():
        tokenizer = _TRAINERS[kind](islice(corpus.documents(), documents), n_vocab)
        with storage.atomic_folder(folder) as temporary:
            tokenizer.save(temporary)
    return load_tokenizer(folder)


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


def encoded(text: str, tokenizer: Tokenizer) -> Sample:
    """A short text as tokens, held in memory."""
    ids = np.asarray(tokenizer.encode(text), dtype=np.uint32)
    return Sample(ids, len(text.encode()), len(text.split()))


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
