"""A reader's own text file, in the form of a corpus."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from gptrepro import storage
from gptrepro.errors import GptreproError


@dataclass(frozen=True)
class TextFile:
    """One UTF-8 file, read as it is: what shards need of a corpus."""

    path: Path
    digest: str
    n_bytes: int
    split: str = "file"
    tier: str = "file"

    @property
    def name(self) -> str:
        """The file's name without its suffix."""
        return self.path.stem

    def documents(self) -> Iterator[str]:
        """The whole file as one document.

        Raises:
            GptreproError: it is not UTF-8 text or holds nothing.
        """
        text = storage.read_text(self.path, "text file", "name one in UTF-8, or convert this one with iconv")
        if not text.strip():
            raise GptreproError(f"{self.path} holds no text.")
        yield text


def open_text_file(path: Path) -> TextFile:
    """A text file as a corpus.

    Raises:
        GptreproError: there is no such file.
    """
    if not path.is_file():
        raise GptreproError(f"There is no text file at {path}.")
    return TextFile(path, storage.sha256_file(path), path.stat().st_size)
