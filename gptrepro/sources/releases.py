"""The release tier: archives of our own, packed from a mirror and published with the repository.

`write_release` packs the files that the catalogue gives to a release, to the same bytes on any machine. Their
sha256 and size stand in the catalogue, and `fetch_release` fetches what was published from the repository
that ``_config.yml`` names.
"""

from __future__ import annotations

from importlib import metadata
from pathlib import Path
from typing import NamedTuple

from gptrepro import storage
from gptrepro.errors import GptreproError, StorageError
from gptrepro.progress import progress
from gptrepro.sources.archives import write_archive
from gptrepro.sources.catalogue import Catalogue, ReleaseFile
from gptrepro.sources.download import download
from gptrepro.sources.network import require_reachable

NOTICE = "NOTICE.txt"
"""The member that says whose the others are."""


def release_path(release: ReleaseFile) -> Path:
    """Where the archive of a release is kept."""
    return storage.home() / "releases" / release.tag / release.file


def _repository() -> str | None:
    """The address that the checkout names, or that the installed package came with."""
    try:
        return storage.repository(storage.project_root())
    except GptreproError:
        urls = metadata.metadata("gptrepro").get_all("Project-URL") or []
        return next((url.partition(", ")[2] for url in urls if url.startswith("Repository, ")), None)


def fetch_release(template: str, release: ReleaseFile) -> Path:
    """The verified archive of a release, downloaded to ``home()/releases`` when it is not there yet.

    Raises:
        GptreproError: the repository cannot be reached, or has no such release or another file.
        StorageError: the disk is full or the home may not be written.
    """
    path = release_path(release)
    if storage.holds(path, release.sha256):
        return path
    address = _repository()
    if "{repository}" in template and address is None:
        raise GptreproError("_config.yml names no repository")
    url = template.format(repository=address, tag=release.tag, file=release.file)
    require_reachable(url)
    try:
        with progress(f"Fetching {release.file}", release.bytes) as advance:
            download(url, path, release.sha256, size=release.bytes, advance=advance)
    except StorageError:
        raise
    except GptreproError as error:
        raise GptreproError(f"{error}; the file may also be put at {path}") from error
    return path


class Packed(NamedTuple):
    """An archive that was packed."""

    path: Path
    sha256: str
    bytes: int
    as_pinned: bool


def notice(catalogue: Catalogue, name: str) -> str:
    """Whose the members of a release are: a line a data set, with where it is from and its licence."""
    lines = [
        f"{data_set}: {entry.licence}. From {entry.source}.\n"
        for data_set, entry in (*catalogue.corpora.items(), *catalogue.assets.items())
        if any(files.release and files.release.name == name for files in entry.all_file_sets())
    ]
    return "".join(sorted(lines))


def write_release(name: str, catalogue: Catalogue, members: dict[str, bytes]) -> Packed:
    """Pack the members of a release and its notice; it is kept where `fetch_release` looks."""
    release = catalogue.releases[name]
    path = release_path(release)
    with storage.atomic_file(path) as temporary:
        write_archive(temporary, members | {NOTICE: notice(catalogue, name).encode()})
    sha256 = storage.sha256_file(path)
    return Packed(path, sha256, path.stat().st_size, sha256 == release.sha256)
