"""Tokenizers of our own: a paper's kind, trained on the documents of corpora once and then found on disk."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import chain, islice
from pathlib import Path
from typing import Literal

from gptrepro import storage
from gptrepro.made_once import made_once
from gptrepro.sources.corpora import Corpus
from gptrepro.tokenizer.base import Tokenizer
from gptrepro.tokenizer.byte_level import train_byte_level_bpe
from gptrepro.tokenizer.gpt1 import train_gpt1_bpe
from gptrepro.tokenizer.loading import load_tokenizer
from gptrepro.tokenizer.rivals import train_words

TokenizerKind = Literal["gpt1", "gpt2", "words"]

_TRAINERS: dict[TokenizerKind, Callable[[Iterable[str], int], Tokenizer]] = {
    "gpt1": train_gpt1_bpe,
    "gpt2": train_byte_level_bpe,
    "words": train_words,
}


def trained_tokenizer(
    kind: TokenizerKind,
    corpora: Sequence[Corpus],
    n_vocab: int,
    prepared: Path,
    documents: int | None = None,
) -> Tokenizer:
    """A tokenizer of ``n_vocab`` tokens, trained on ``corpora`` or found in ``prepared``.

    Args:
        kind: a paper's way of tokenizing, or words.
        corpora: what to train on.
        n_vocab: tokens in the vocabulary.
        prepared: folder of what experiments share.
        documents: train on the first so many documents of each corpus; on all of them when None.
    """
    folder = tokenizer_folder(kind, corpora, n_vocab, prepared, documents)

    def found() -> Path | None:
        return folder if folder.exists() else None

    def make() -> Path:
        first = (islice(corpus.documents(), documents) for corpus in corpora)
        tokenizer = _TRAINERS[kind](chain.from_iterable(first), n_vocab)
        with storage.atomic_folder(folder) as temporary:
            tokenizer.save(temporary)
        return folder

    return load_tokenizer(made_once(folder, found, make))


def tokenizer_folder(
    kind: TokenizerKind,
    corpora: Sequence[Corpus],
    n_vocab: int,
    prepared: Path,
    documents: int | None = None,
) -> Path:
    """Where `trained_tokenizer` keeps the tokenizer of the same arguments."""
    identity = [kind, [corpus.digest for corpus in corpora], n_vocab, documents]
    key = storage.sha256_text(storage.canonical_json(identity))[:16]
    read = corpora[0].name.replace("/", "-") if len(corpora) == 1 else "mixture"
    return prepared / "tokenizers" / f"{kind}-{read}-{n_vocab}-{key}"
