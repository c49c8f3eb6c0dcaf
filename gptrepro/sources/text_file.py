"""A reader's own text file, in the form of a corpus."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from gptrepro import storage
from gptrepro.errors import GptreproError
from gptrepro.progress import Display

END_OF_TEXT = "<|endoftext|>"
"""What many text files have between their documents, and the name of the token that ends one."""

_ON_A_LINE = rf"(?m)\n?^[ \t]*{re.escape(END_OF_TEXT)}[ \t]*$\n?"


@dataclass(frozen=True)
class TextFile:
    """A UTF-8 file of one document or several: what shards need of a corpus."""

    path: Path
    digest: str
    n_bytes: int
    separator: str | None = None
    """A pattern of what stands between documents; None for a file that is one document."""
    split: str = "file"
    tier: str = "file"

    @property
    def name(self) -> str:
        """The file's name without its suffix."""
        return self.path.stem

    def documents(self) -> Iterator[str]:
        """The documents that hold more than white space.

        Raises:
            GptreproError: it is not UTF-8 text or holds nothing.
        """
        text = _read(self.path)
        parts = [text] if self.separator is None else re.split(self.separator, text)
        documents = [part for part in parts if part.strip()]
        if not documents:
            raise GptreproError(f"{self.path} holds no text.")
        yield from documents


def open_text_file(path: Path, separator: str | None = None) -> TextFile:
    """A text file as a corpus.

    Args:
        path: the file.
        separator: a text that ends documents wherever it stands, with the line ends around it; "none" for a
            file that is one document. By default ``<|endoftext|>`` does where it fills a line, and a notice
            says so.

    Raises:
        GptreproError: there is no such file, it is not UTF-8 text, or the separator is empty.
    """
    if not path.is_file():
        raise GptreproError(f"There is no text file at {path}.")
    if separator == "":
        raise GptreproError("The separator of documents is empty: give a text, or none for one document.")
    pattern = rf"\n?{re.escape(separator)}\n?" if separator not in (None, "none") else None
    if separator is None:
        pattern = _recognised(path)
    digest = storage.sha256_file(path)
    if pattern is not None:
        digest = storage.sha256_text(storage.canonical_json([digest, pattern]))
    return TextFile(path, digest, path.stat().st_size, pattern)


def _recognised(path: Path) -> str | None:
    """The pattern of a separator that a file has without being asked for, with a notice of what is done."""
    text = _read(path)
    occurrences = text.count(END_OF_TEXT)
    if lines := len(re.findall(_ON_A_LINE, text)):
        Display().say(
            f"{path}: {lines:,} lines {END_OF_TEXT} end documents; --separator none reads them as text."
        )
        return _ON_A_LINE
    if occurrences:
        Display().say(
            f"{path} holds {END_OF_TEXT} within lines, {occurrences:,} times, which is read as text: with "
            f"--separator '{END_OF_TEXT}' it ends documents."
        )
    return None


def _read(path: Path) -> str:
    return storage.read_text(path, "text file", "name one in UTF-8, or convert this one with iconv")
