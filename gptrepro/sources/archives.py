"""Archives that hold data: members read straight out of them, and archives that are alike on any machine."""

from __future__ import annotations

import bz2
import functools
import io
import tarfile
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from gptrepro.errors import GptreproError


def _members(archive: Path) -> Iterator[tuple[str, bytes]]:
    """The regular files of a tar, .whl or .zip archive, one after the other."""
    if archive.suffix in (".whl", ".zip"):
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


@functools.lru_cache(maxsize=1)
def _read_archive(archive: Path) -> dict[str, bytes]:
    return dict(_members(archive))


def read_member(archive: Path, path: str) -> bytes:
    """The bytes of one file inside an archive, under the name that it has there.

    Nothing is unpacked under a name that the archive chooses, and links lead nowhere.

    Raises:
        GptreproError: the archive has no such file.
    """
    members = _read_archive(archive)
    if path not in members:
        raise GptreproError(f"The archive {archive.name} holds no file {path}.")
    return members[path]


def write_archive(path: Path, members: Mapping[str, bytes]) -> None:
    """Write a .tar.bz2 whose bytes follow from its members alone.

    Order, times, owners and modes are fixed. The compression is bzip2's, whose one library writes the same
    bytes in every version; those of gzip and xz depend on the library that a Python was built with.
    """
    with (
        bz2.open(path, "wb") as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.USTAR_FORMAT) as tar,
    ):
        for name in sorted(members):
            info = tarfile.TarInfo(name)  # mode 0644, and nobody's, in 1970
            info.size = len(members[name])
            tar.addfile(info, io.BytesIO(members[name]))
