"""The origin tier: files of a public repository at a pinned commit, each with a pinned sha256.

Labelled rows in another form than our lines are kept as the lines, and compressed files unpacked; the sha256
is of what is kept.
"""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from gptrepro import storage
from gptrepro.errors import GptreproError
from gptrepro.progress import progress
from gptrepro.sources.catalogue import OriginSource
from gptrepro.sources.download import download
from gptrepro.sources.network import require_reachable
from gptrepro.sources.rows import as_lines


class OriginFile(NamedTuple):
    """One file to fetch: its address, its pinned sha256, its place here, and what is made of it."""

    url: str
    sha256: str
    path: Path
    unpack: Callable[[bytes], bytes] | None = None


def origin_file(url_template: str, source: OriginSource, name: str, sha256: str) -> OriginFile:
    """The file ``name`` of a repository; it is kept under ``home()/origin`` by its hash."""
    path = source.path.format(name=name)
    url = url_template.format(repository=source.repository, commit=source.commit, path=path)
    unpack: Callable[[bytes], bytes] | None = None
    if source.form is not None:
        unpack = partial(as_lines, form=source.form)
    elif path.endswith(".gz"):
        unpack = _decompress
    return OriginFile(url, sha256, storage.home() / "origin" / sha256[:2] / sha256, unpack)


def _decompress(content: bytes) -> bytes:
    try:
        return gzip.decompress(content)
    except (OSError, EOFError, zlib.error) as error:
        raise GptreproError("is not a gzip file") from error


def fetch_files(files: Iterable[OriginFile]) -> None:
    """Fetch the files that are not there yet; each appears whole and verified or not at all.

    Raises:
        GptreproError: the host cannot be reached, or a file is gone or is another one.
        StorageError: the disk is full or the home may not be written.
    """
    missing = [file for file in files if not file.path.exists()]
    if not missing:
        return
    require_reachable(missing[0].url)
    host = urlsplit(missing[0].url).netloc
    with progress(f"Fetching {len(missing)} files from {host}", len(missing), unit="files") as advance:
        for file in missing:
            download(file.url, file.path, file.sha256, unpack=file.unpack)
            advance(1)
