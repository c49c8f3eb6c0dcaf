"""Pinned files from the first tier that has them: mirror, package, origin, release (see data/README.md)."""

from __future__ import annotations

import functools
import gzip
import hashlib
import os
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from gptrepro.errors import GptreproError
from gptrepro.sources.archives import read_member
from gptrepro.sources.catalogue import FileSet, Tier, catalogue


@dataclass(frozen=True)
class SourceFile:
    """One file as published upstream: its pinned sha256 and the way to its bytes."""

    name: str
    sha256: str
    place: str
    read_unverified: Callable[[], bytes]

    def read(self) -> bytes:
        """The bytes, verified.

        Raises:
            GptreproError: the file is gone, damaged or another one.
        """
        try:
            content = self.read_unverified()
        except (OSError, EOFError, zlib.error) as error:
            raise GptreproError(f"{self.place} cannot be read ({error}): fetch or copy it again.") from error
        if hashlib.sha256(content).hexdigest() != self.sha256:
            raise GptreproError(
                f"{self.place} is damaged or not the published file (its content should have sha256 "
                f"{self.sha256[:12]}...): fetch or copy it again."
            )
        return content


def mirror_root() -> Path | None:
    """The folder named by ``GPTREPRO_MIRROR``, or None when the variable is not set.

    Raises:
        GptreproError: the variable names a folder that does not exist.
    """
    configured = os.environ.get("GPTREPRO_MIRROR")
    if not configured:
        return None
    root = Path(configured).expanduser()
    if not root.is_dir():
        raise GptreproError(
            f"GPTREPRO_MIRROR names {root}, which is not a folder: correct it, or unset it to use the "
            "other tiers."
        )
    return root


def mirror_path(file_set: FileSet, name: str) -> Path | None:
    """Where the mirror keeps a file, or None when there is no mirror or it has no such file."""
    root = mirror_root()
    if root is None or file_set.mirror is None:
        return None
    path = root / file_set.mirror.format(name=name)
    return path if path.is_file() else None


def _from_mirror(file_sets: tuple[FileSet, ...]) -> list[SourceFile]:
    root = mirror_root()
    if root is None:
        raise GptreproError("GPTREPRO_MIRROR is not set")
    files = []
    for file_set in file_sets:
        for name, sha256 in file_set.files.items():
            path = mirror_path(file_set, name)
            if path is None:
                raise GptreproError(f"{root} has no {str(file_set.mirror).format(name=name)}")
            files.append(SourceFile(name, sha256, str(path), functools.partial(_read_mirrored, path)))
    return files


def _read_mirrored(path: Path) -> bytes:
    content = path.read_bytes()
    return gzip.decompress(content) if path.suffix == ".gz" else content


def _from_package(file_sets: tuple[FileSet, ...]) -> list[SourceFile]:
    from gptrepro.sources.packages import fetch_archive  # clients load when something is fetched

    def fetch(name: str) -> Path:
        return fetch_archive(name, catalogue().packages[name])

    return _from_archives(file_sets, "package", fetch)


def _from_release(file_sets: tuple[FileSet, ...]) -> list[SourceFile]:
    from gptrepro.sources.releases import fetch_release

    def fetch(name: str) -> Path:
        return fetch_release(catalogue().addresses.release, catalogue().releases[name])

    return _from_archives(file_sets, "release", fetch)


def _from_archives(
    file_sets: tuple[FileSet, ...], tier: Literal["package", "release"], fetch: Callable[[str], Path]
) -> list[SourceFile]:
    files = []
    archives: dict[str, Path] = {}
    for file_set in file_sets:
        source = file_set.package if tier == "package" else file_set.release
        assert source is not None
        if source.name not in archives:
            archives[source.name] = fetch(source.name)
        archive = archives[source.name]
        for name, sha256 in file_set.files.items():
            path = source.path.format(name=name)
            read = functools.partial(read_member, archive, path)
            files.append(SourceFile(name, sha256, f"{path} in {archive}", read))
    return files


def _from_origin(file_sets: tuple[FileSet, ...]) -> list[SourceFile]:
    from gptrepro.sources.origin import fetch_files, origin_file

    files = []
    wanted = []
    for file_set in file_sets:
        assert file_set.origin is not None
        for name, sha256 in file_set.files.items():
            origin = origin_file(catalogue().addresses.origin, file_set.origin, name, sha256)
            wanted.append(origin)
            files.append(SourceFile(name, sha256, str(origin.path), origin.path.read_bytes))
    fetch_files(wanted)
    return files


_OPENERS: dict[Tier, Callable[[tuple[FileSet, ...]], list[SourceFile]]] = {
    "mirror": _from_mirror,
    "package": _from_package,
    "origin": _from_origin,
    "release": _from_release,
}


def open_files(tier: Tier, file_sets: tuple[FileSet, ...]) -> list[SourceFile]:
    """The files of ``file_sets`` from one tier, fetched if need be, sorted by name.

    Raises:
        GptreproError: the tier cannot serve them; the message is a clause for :func:`unavailable`.
    """
    return sorted(_OPENERS[tier](file_sets), key=lambda file: file.name)


def unavailable(what: str, reasons: dict[Tier, str]) -> GptreproError:
    """One sentence that says what each tier answered and what to do."""
    tried = "; ".join(f"{tier}: {reason.rstrip('.')}" for tier, reason in reasons.items())
    advice = "set GPTREPRO_MIRROR to a folder that holds it"
    if reasons.keys() != {"mirror"}:
        advice += ", or check the network and try again"
    return GptreproError(f"No tier can serve {what} ({tried}): {advice}.")
