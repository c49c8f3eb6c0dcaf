"""A corpus of two files, as a catalogue describes it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

from gptrepro.sources.catalogue import Catalogue

UseCatalogue = Callable[[dict[str, Any]], Catalogue]
TEXTS = {"b_second": "Second\r\nbook.\r\n", "a_first": "First book."}
COMMIT = "c" * 40
MIRROR = {"mirror": "tiny/{name}.txt.gz"}
ORIGIN = {"origin": {"repository": "someone/tiny", "commit": COMMIT, "path": "{name}.txt"}}


def tiny(texts: dict[str, str], **file_set: object) -> dict[str, Any]:
    """A catalogue with one corpus, ``tiny``, with one file for each text."""
    files = {name: hashlib.sha256(text.encode()).hexdigest() for name, text in texts.items()}
    entry = {
        "title": "T",
        "licence": "none",
        "paper": "none",
        "format": "text",
        "style": "verse",
        "splits": {"train": {"bytes": 30, "file_sets": [{"files": files} | file_set]}},
    }
    return {"corpora": {"tiny": entry}}
