"""What the book consists of, as ``_toc.yml`` lists it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gptrepro import storage
from gptrepro.errors import GptreproError

STATUS = Path("book/status.md")
"""The page that a build writes about itself; the checkout never holds it."""


@dataclass(frozen=True)
class Contents:
    """The pages of a book in reading order, as paths relative to its root."""

    pages: tuple[Path, ...]
    repository: str | None = None
    """The address of the repository, as ``_config.yml`` states it."""

    @property
    def notebooks(self) -> tuple[Path, ...]:
        """The pages that are executed."""
        return tuple(page for page in self.pages if page.suffix == ".ipynb")


def _files(entry: Any) -> list[str]:
    """The pages named anywhere below one entry of the table of contents, in order."""
    if isinstance(entry, list):
        return [file for child in entry for file in _files(child)]
    if not isinstance(entry, dict):
        return []
    own = [entry[key] for key in ("root", "file") if key in entry]
    return own + [file for key in ("parts", "chapters", "sections") for file in _files(entry.get(key))]


def read_contents(root: Path) -> Contents:
    """Read ``root/_toc.yml``; entries may leave out the suffix of a page.

    Raises:
        GptreproError: there is no table of contents, or it names a page that does not exist.
    """
    toc = root / "_toc.yml"
    if not toc.exists():
        raise GptreproError(f"{root} holds no _toc.yml: run the command in a checkout of the repository.")
    pages = []
    for name in _files(storage.read_yaml(toc)):
        candidates = [Path(name), Path(f"{name}.ipynb"), Path(f"{name}.md")]
        page = next((path for path in candidates if path == STATUS or (root / path).is_file()), None)
        if page is None:
            raise GptreproError(
                f"_toc.yml names {name}, which does not exist: add the page or remove the entry."
            )
        pages.append(page)
    return Contents(tuple(pages), storage.repository(root))
