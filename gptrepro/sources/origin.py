"""The origin tier: files of a public repository at a pinned commit, each with a pinned sha256.

Labelled rows in another form than our lines are kept as the lines, and the sha256 is of those.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

import requests

from gptrepro import storage
from gptrepro.errors import GptreproError
from gptrepro.progress import progress
from gptrepro.sources.catalogue import OriginSource
from gptrepro.sources.network import require_reachable
from gptrepro.sources.rows import Form, as_lines

TIMEOUT_SECONDS = (3.0, 30.0)  # to connect, to go on


class OriginFile(NamedTuple):
    """One file to fetch: its address, its pinned sha256, its place here, and the form of its rows."""

    url: str
    sha256: str
    path: Path
    form: Form | None = None


def origin_file(url_template: str, source: OriginSource, name: str, sha256: str) -> OriginFile:
    """The file ``name`` of a repository; it is kept under ``home()/origin`` by its hash."""
    path = source.path.format(name=name)
    url = url_template.format(repository=source.repository, commit=source.commit, path=path)
    return OriginFile(url, sha256, storage.home() / "origin" / sha256[:2] / sha256, source.form)


def fetch_files(files: Iterable[OriginFile]) -> None:
    """Fetch the files that are not there yet; each appears whole and verified or not at all.

    Raises:
        GptreproError: the host cannot be reached, a file is gone or is another one, or the disk is full.
    """
    missing = [file for file in files if not file.path.exists()]
    if not missing:
        return
    require_reachable(missing[0].url)
    import pooch  # on first use: it brings a progress bar that warns in notebooks

    fetch = pooch.HTTPDownloader(timeout=TIMEOUT_SECONDS)
    host = urlsplit(missing[0].url).netloc
    with progress(f"Fetching {len(missing)} files from {host}", len(missing), unit="files") as advance:
        for file in missing:
            with storage.atomic_file(file.path) as temporary:
                try:
                    fetch(file.url, str(temporary), None)
                except requests.RequestException as error:
                    raise GptreproError(f"{file.url} cannot be fetched ({type(error).__name__})") from error
                if file.form:
                    try:
                        temporary.write_bytes(as_lines(temporary.read_bytes(), file.form))
                    except GptreproError as error:
                        raise GptreproError(f"{file.url} {error} (nothing was kept)") from error
                found = storage.sha256_file(temporary)
                if found != file.sha256:
                    raise GptreproError(
                        f"{file.url} came with sha256 {found[:12]}... instead of {file.sha256[:12]}... "
                        "(the download broke off or the file was replaced, nothing was kept)"
                    )
            advance(1)
