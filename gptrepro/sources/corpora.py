"""Running text by name, from the first tier that has it (see data/README.md)."""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from gptrepro import storage
from gptrepro.errors import GptreproError, StorageError
from gptrepro.sources.catalogue import Split, Tier, catalogue
from gptrepro.sources.cleaning import CLEANING_VERSION, Style, clean
from gptrepro.sources.tiers import SourceFile, mirror_root, open_files, unavailable


@dataclass(frozen=True)
class Corpus:
    """A named text in cleaned form.

    ``digest`` identifies the text: its files as published, how documents are cut from them and how they
    are cleaned. The mirror, the package, the origin and the release serve the same files, so it is the same
    for all four; the hub has editions of its own. ``n_bytes`` is the size as published, and of a part that is
    cut by hash about its share of it. ``keeps`` says which cleaned documents are of this part.
    """

    name: str
    split: str
    tier: Tier
    digest: str
    n_bytes: int
    style: Style
    uncleaned: Callable[[], Iterator[str]]
    keeps: Callable[[str], bool]

    def documents(self) -> Iterator[str]:
        """Cleaned documents in a fixed order, one string each; bytes are verified as they are read.

        Raises:
            GptreproError: a file is damaged or is not the pinned one.
        """
        for text in self.uncleaned():
            cleaned = clean(text, self.style)
            if cleaned and self.keeps(cleaned):
                yield cleaned


def _cut(files: list[SourceFile], format_: str) -> Iterator[str]:
    """Cut files into documents: the whole file, the text of every JSON line, or every line."""
    for file in files:
        text = file.read().decode("utf-8", errors="replace")
        if format_ == "text":
            yield text
            continue
        for line in text.split("\n"):  # not splitlines, which also cuts at U+2028
            if line:
                yield json.loads(line)["text"] if format_ == "jsonl" else line


def is_held_out(document: str, share: float) -> bool:
    """Whether a cleaned document is in the held-out part that is cut by hash.

    It follows from the document's SHA-256 alone, so neither order, tier nor the rest of the corpus matters,
    and copies of a document fall on one side.
    """
    digest = hashlib.sha256(document.encode(errors="surrogatepass")).digest()
    return int.from_bytes(digest[:8]) < share * 2**64


def _is_of_part(document: str, split: str, share: float | None) -> bool:
    return share is None or is_held_out(document, share) == (split == "heldout")


def corpus_digest(name: str, split: str, tier: Tier | None = None) -> str:
    """What identifies a text, from the catalogue alone: its files as published and how they are cleaned.

    It needs neither the bytes nor a network, so that a record can be compared with today's text anywhere.
    Without a ``tier`` it is that of the pinned files, or of the hub's edition where there are no others.

    Raises:
        GptreproError: unknown name or split.
    """
    entry, wanted = catalogue().corpus(name), catalogue().split(name, split)
    from_hub = tier == "hub" or not wanted.file_sets
    identity: dict[str, Any] = {
        "cleaning": CLEANING_VERSION,
        "style": entry.style,
        "format": entry.format,
        "files": []
        if from_hub
        else sorted(
            [name, sha256] for file_set in wanted.file_sets for name, sha256 in file_set.files.items()
        ),
        "hub": wanted.hub.model_dump() if wanted.hub and from_hub else None,
    }
    if entry.heldout_share is not None:
        identity["part"] = [split, entry.heldout_share]
    return storage.sha256_text(storage.canonical_json(identity))


def _open(tier: Tier, split: Split, format_: str) -> Callable[[], Iterator[str]]:
    """Fetch a split from one tier; returns the way to its documents."""
    if tier == "hub":
        from gptrepro.sources.hub import fetch_parquet, hub_documents  # its client loads when it is asked

        assert split.hub is not None
        return functools.partial(hub_documents, split.hub, fetch_parquet(split.hub, split.bytes))
    return functools.partial(_cut, open_files(tier, split.file_sets), format_)


def load_corpus(name: str, split: str = "train") -> Corpus:
    """A corpus by name, from the first tier that can serve it: mirror, package, origin, release, hub.

    Only the tiers before and including the one that serves it are asked; the bytes are read when
    ``documents`` is called.

    Raises:
        GptreproError: unknown name or split, or no tier can serve it (the sentence names each tier).
        StorageError: the disk is full or the home may not be written.
    """
    entry, wanted = catalogue().corpus(name), catalogue().split(name, split)
    mirror_root()  # a mirror that was named but is not there is a mistake, not a missing tier
    reasons: dict[Tier, str] = {}
    for tier in wanted.tiers():
        try:
            uncleaned = _open(tier, wanted, entry.format)
        except StorageError:
            raise
        except GptreproError as error:
            reasons[tier] = str(error)
            continue
        digest = corpus_digest(name, split, tier)
        keeps = functools.partial(_is_of_part, split=split, share=entry.heldout_share)
        return Corpus(name, split, tier, digest, wanted.bytes, entry.style, uncleaned, keeps)
    raise unavailable(f"{name} ({split})", reasons)
