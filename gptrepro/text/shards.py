"""Token shards: a corpus encoded once, then read through a memory map.

A shard folder holds three files: ``tokens.bin`` (little-endian uint16, or uint32 for vocabularies of
more than 65,536 entries), ``documents.bin`` (int64: where each document starts) and ``index.json``
(what they are and their sha256). Reading it costs no start-up time and no memory of its own.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from gptrepro import storage, temporaries
from gptrepro.errors import GptreproError
from gptrepro.made_once import made_once
from gptrepro.progress import progress

FORMAT_VERSION = 1
LONGEST_TOKEN = 32  # characters; only bounds how much of a document a token limit can need


class Encoder(Protocol):
    """What shards need of a tokenizer."""

    @property
    def n_vocab(self) -> int: ...
    @property
    def digest(self) -> str: ...
    @property
    def reading(self) -> int: ...
    @property
    def end_of_text(self) -> int | None: ...
    def encode_parts(self, text: str | Iterable[str]) -> Iterator[tuple[str, list[int]]]: ...


class Text(Protocol):
    """What shards need of a corpus."""

    @property
    def name(self) -> str: ...
    @property
    def split(self) -> str: ...
    @property
    def tier(self) -> str: ...
    @property
    def digest(self) -> str: ...
    @property
    def n_bytes(self) -> int: ...
    def documents(self) -> Iterator[str | Iterable[str]]: ...


class Index(BaseModel):
    """The content of ``index.json``."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: int
    digest: str  # identity: corpus, tokenizer and limit
    corpus: str
    split: str
    tier: str
    corpus_digest: str
    tokenizer_digest: str
    limit_tokens: int | None
    dtype: str
    n_tokens: int
    n_documents: int
    n_bytes: int
    n_words: int
    tokens_sha256: str
    documents_sha256: str


@dataclass(frozen=True)
class TokenShards:
    """An encoded corpus on disk.

    ``tokens`` is a read-only memory map of ``n_tokens`` ids; ``document_starts[i]`` is the position of
    the first token of document i. ``n_bytes`` and ``n_words`` count the UTF-8 bytes and the
    whitespace-separated words of the text that was encoded, without separators.
    """

    folder: Path
    index: Index
    tokens: np.memmap[tuple[int], np.dtype[np.uint16 | np.uint32]]
    document_starts: NDArray[np.int64]

    @property
    def digest(self) -> str:
        return self.index.digest

    @property
    def n_tokens(self) -> int:
        return self.index.n_tokens

    @property
    def n_bytes(self) -> int:
        return self.index.n_bytes

    @property
    def n_words(self) -> int:
        return self.index.n_words

    @classmethod
    def open(cls, folder: Path) -> TokenShards:
        """Open a shard folder, whose files must be what was written (SHA-256: 60 MB take 0.03 s).

        Raises:
            GptreproError: the folder is missing, incomplete or damaged.
        """
        try:
            index = storage.read_json(folder / "index.json", Index)
        except GptreproError as error:
            raise _damaged(folder, "its index is missing or unreadable") from error
        if index.format != FORMAT_VERSION:
            raise _damaged(folder, f"its format {index.format} is not {FORMAT_VERSION}")
        if index.dtype not in ("uint16", "uint32") or index.n_tokens < 1:
            raise _damaged(folder, "its index makes no sense")
        item_bytes = np.dtype(index.dtype).itemsize
        expected = {
            "tokens.bin": (index.n_tokens * item_bytes, index.tokens_sha256),
            "documents.bin": (index.n_documents * 8, index.documents_sha256),
        }
        for name, (size, sha256) in expected.items():
            path = folder / name
            if not path.is_file() or path.stat().st_size != size:
                raise _damaged(folder, f"{name} is not {size:,} bytes long")
            if not storage.holds(path, sha256):
                raise _damaged(folder, f"the sha256 of {name} is wrong")
        tokens = np.memmap(folder / "tokens.bin", dtype=f"<u{item_bytes}", mode="r")
        starts = np.fromfile(folder / "documents.bin", dtype="<i8").astype(np.int64)
        return cls(folder, index, tokens, starts)


def _damaged(folder: Path, reason: str) -> GptreproError:
    return GptreproError(
        f"The token shards in {folder} cannot be used ({reason}): delete that folder and run the "
        "command again."
    )


def shards_digest(corpus: Text, tokenizer: Encoder, limit_tokens: int | None = None) -> str:
    """The identity of the shards that :func:`write_shards` makes, without making them."""
    identity = {
        "format": FORMAT_VERSION,
        "corpus": corpus.digest,
        "tokenizer": tokenizer.digest,
        "limit_tokens": limit_tokens,
    }
    if tokenizer.reading > 1:
        identity["reading"] = tokenizer.reading
    return storage.sha256_text(storage.canonical_json(identity))


def write_shards(
    corpus: Text, tokenizer: Encoder, folder: Path, limit_tokens: int | None = None
) -> TokenShards:
    """Encode a corpus under ``folder``, or open what an earlier call left there for the same digests.

    Every document is followed by the tokenizer's end-of-text token if it has one. With
    ``limit_tokens`` the text ends at the last whitespace before that many tokens, so that
    ``n_bytes`` and ``n_words`` still belong to exactly the tokens that are kept.

    Raises:
        GptreproError: the corpus cannot be read, is empty, or the disk is full; nothing is left behind.
    """
    digest = shards_digest(corpus, tokenizer, limit_tokens)
    label = f"{corpus.name.replace('/', '-')}-{corpus.split}"
    path = folder / f"{label}-{digest[:16]}"
    temporaries.sweep(folder)  # here too: what is there already is not written, and nobody else would look
    return made_once(
        path,
        lambda: _found(path, digest, tokenizer),
        lambda: _written(path, digest, corpus, tokenizer, limit_tokens),
    )


def _found(path: Path, digest: str, tokenizer: Encoder) -> TokenShards | None:
    if path.exists():
        with contextlib.suppress(GptreproError):  # damaged, or of another text: it is written again
            found = TokenShards.open(path)
            if found.digest == digest and found.tokens.max() < tokenizer.n_vocab:
                return found
    return None


def _written(
    path: Path, digest: str, corpus: Text, tokenizer: Encoder, limit_tokens: int | None
) -> TokenShards:
    with storage.atomic_folder(path) as temporary:
        with (temporary / "tokens.bin").open("wb") as handle:
            writer = _Writer(handle, tokenizer, limit_tokens)
            size = corpus.n_bytes if limit_tokens is None else min(corpus.n_bytes, 4 * limit_tokens)
            with progress(f"Encoding {corpus.name} ({corpus.split})", size) as advance:
                for document in corpus.documents():
                    writer.add(document, advance)
                    if writer.full:
                        break
        if writer.n_tokens == 0:
            raise GptreproError(f"The {corpus.split} part of {corpus.name} gave no tokens.")
        starts = np.asarray(writer.starts, dtype="<i8").tobytes()
        (temporary / "documents.bin").write_bytes(starts)
        index = Index(
            format=FORMAT_VERSION,
            digest=digest,
            corpus=corpus.name,
            split=corpus.split,
            tier=corpus.tier,
            corpus_digest=corpus.digest,
            tokenizer_digest=tokenizer.digest,
            limit_tokens=limit_tokens,
            dtype=writer.dtype.name,
            n_tokens=writer.n_tokens,
            n_documents=len(writer.starts),
            n_bytes=writer.n_bytes,
            n_words=writer.n_words,
            tokens_sha256=writer.sha256.hexdigest(),
            documents_sha256=hashlib.sha256(starts).hexdigest(),
        )
        (temporary / "index.json").write_text(
            json.dumps(index.model_dump(), indent=1) + "\n", encoding="utf-8"
        )
    return TokenShards.open(path)


class _Writer:
    """Appends encoded documents to a file and keeps count."""

    def __init__(self, handle: BinaryIO, tokenizer: Encoder, limit_tokens: int | None) -> None:
        self.handle = handle
        self.tokenizer = tokenizer
        self.limit = limit_tokens
        self.dtype = np.dtype(np.uint16 if tokenizer.n_vocab <= 1 << 16 else np.uint32)
        self.sha256 = hashlib.sha256()
        self.starts: list[int] = []
        self.n_tokens = self.n_bytes = self.n_words = 0
        self.full = False

    def add(self, text: str | Iterable[str], advance: Callable[[int], None]) -> None:
        """Encode and append a document, or what there is room for, and say how much is done.

        Args:
            text: the document, or its blocks where it is a long one.
            advance: told how many characters have been written.
        """
        parts = self.tokenizer.encode_parts(text) if self.limit is None else self._within_limit(text)
        start = self.n_tokens
        for part, ids in parts:
            self._write(part, ids)
            advance(len(part))
        if self.n_tokens > start:
            self.starts.append(start)
            if self.tokenizer.end_of_text is not None and not self.full:
                self._write("", [self.tokenizer.end_of_text])

    def _within_limit(self, document: str | Iterable[str]) -> list[tuple[str, list[int]]]:
        assert self.limit is not None
        text = document if isinstance(document, str) else "".join(document)
        beginning = text[: self.limit * LONGEST_TOKEN]
        ids = self._encode(beginning)
        room = self.limit - self.n_tokens
        over = len(ids) + (self.tokenizer.end_of_text is not None) > room
        if ids and (over or len(beginning) < len(text)):
            self.full = True
            beginning, ids = self._shortened(beginning, ids, room)
        return [(beginning, ids)]

    def _encode(self, text: str) -> list[int]:
        return [token for _, ids in self.tokenizer.encode_parts(text) for token in ids]

    def _write(self, text: str, ids: list[int]) -> None:
        payload = np.asarray(ids, dtype=self.dtype.newbyteorder("<")).tobytes()
        self.handle.write(payload)
        self.sha256.update(payload)
        self.n_tokens += len(ids)
        self.n_bytes += len(text.encode())
        self.n_words += len(text.split())

    def _shortened(self, text: str, ids: list[int], room: int) -> tuple[str, list[int]]:
        """The longest beginning we find of ``text``, cut before whitespace, of at most ``room`` tokens."""
        while len(ids) > room:
            target = min(len(text) - 1, int(len(text) * room / len(ids)))
            cut = max(text.rfind(" ", 0, target + 1), text.rfind("\n", 0, target + 1), 0)
            text = text[:cut]
            ids = self._encode(text)
        return text, ids
