"""Fingerprints of what the book is made from, so that nothing is made twice."""

from __future__ import annotations

import platform
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from gptrepro import storage


def files_below(path: Path) -> Iterator[Path]:
    """The files of a folder (or the file itself), sorted, without caches and hidden files."""
    if path.is_file():
        yield path
    elif path.is_dir():
        for child in sorted(path.iterdir()):
            if not child.name.startswith(".") and child.name != "__pycache__":
                yield from files_below(child)


def fingerprint(root: Path, inputs: Iterable[str | Path], **settings: str | Mapping[str, str]) -> str:
    """SHA-256 over the bytes of ``inputs`` (files and folders below ``root``), Python and ``settings``."""
    digests = {
        file.relative_to(root).as_posix(): storage.sha256_file(file)
        for entry in inputs
        for file in files_below(root / entry)
    }
    return storage.sha256_text(
        storage.canonical_json({"files": digests, "python": platform.python_version(), "settings": settings})
    )


def is_current(stamp: Path, value: str) -> bool:
    """Whether ``stamp`` holds ``value``."""
    return stamp.is_file() and stamp.read_bytes() == value.encode()
