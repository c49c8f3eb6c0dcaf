"""Where files live and how they appear: atomically, verified, under one home.

Everything that a run produces (token shards, checkpoints, records, downloads) lies under
``GPTREPRO_HOME``, outside the work tree. Nothing else in the package chooses a place for files.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import platformdirs

from gptrepro.errors import GptreproError

try:
    import fcntl
except ImportError:  # Windows has no such locks; there it is left to the user
    fcntl = None  # type: ignore[assignment]


def home() -> Path:
    """The folder for everything a run makes: ``GPTREPRO_HOME``, or the user's cache folder."""
    configured = os.environ.get("GPTREPRO_HOME")
    return Path(configured).expanduser() if configured else platformdirs.user_cache_path("gptrepro")


def project_root() -> Path:
    """The checkout that this package runs from: the folder of ``data``, ``notebooks`` and ``book``.

    Raises:
        GptreproError: the package was installed without its checkout.
    """
    root = Path(__file__).resolve().parent.parent
    if not (root / "data" / "claims").is_dir():
        raise GptreproError(
            "gptrepro needs its checkout (data, notebooks, book): clone the repository and install it with "
            "`pip install -e .`."
        )
    return root


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    """Turn the operating system's refusals to write into one sentence."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise GptreproError(
                f"The disk is full while writing {path}: free some space or point GPTREPRO_HOME "
                "at another disk, then run the same command again; nothing was left half-written."
            ) from error
        if error.errno in (errno.EACCES, errno.EROFS, errno.EPERM):
            raise GptreproError(
                f"{path} cannot be written (permission denied): point GPTREPRO_HOME at a folder "
                "that you may write to."
            ) from error
        raise


def _fsync_directory(folder: Path) -> None:
    if os.name == "nt":  # directories cannot be opened for syncing on Windows
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def atomic_file(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside ``path`` that replaces it when the block succeeds.

    A reader sees the old file or the new one, never a part; an interrupted block leaves nothing.

    Raises:
        GptreproError: the disk is full or the folder may not be written.
    """
    with _explained(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        os.close(descriptor)
        temporary = Path(name)
        try:
            yield temporary
            with temporary.open("rb+") as handle:
                os.fsync(handle.fileno())
            temporary.chmod(0o644)
            temporary.replace(path)
            _fsync_directory(path.parent)
        finally:
            temporary.unlink(missing_ok=True)


@contextmanager
def atomic_folder(path: Path) -> Iterator[Path]:
    """Yield a temporary folder beside ``path`` that becomes ``path`` when the block succeeds.

    An existing folder at ``path`` is replaced. The files are synced before the rename.

    Raises:
        GptreproError: the disk is full or the folder may not be written.
    """
    with _explained(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(dir=path.parent, prefix=f".{path.name}."))
        try:
            yield temporary
            for file in temporary.rglob("*"):
                if file.is_file():
                    with file.open("rb+") as handle:
                        os.fsync(handle.fileno())
            temporary.chmod(0o755)
            if path.exists():
                retired = Path(tempfile.mkdtemp(dir=path.parent, prefix=f".{path.name}.old."))
                path.replace(retired / path.name)
                temporary.replace(path)
                shutil.rmtree(retired, ignore_errors=True)
            else:
                temporary.replace(path)
            _fsync_directory(path.parent)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)


@contextmanager
def sole_holder(folder: Path, otherwise: str) -> Iterator[bool]:
    """Hold ``folder`` until the block ends; a process that is killed lets go by itself.

    Yields whether it is held: not on Windows, nor on a network file system that knows no locks.

    Raises:
        GptreproError: ``otherwise``, when another process, or another thread of this one, holds it.
    """
    held = False
    with contextlib.ExitStack() as stack:
        if fcntl is not None:
            with contextlib.suppress(OSError):  # the first file that is written says what is wrong
                folder.mkdir(parents=True, exist_ok=True)
            try:
                descriptor = os.open(folder, os.O_RDONLY)
                stack.callback(os.close, descriptor)
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                held = True
            except OSError as error:
                if error.errno == errno.EWOULDBLOCK:
                    raise GptreproError(otherwise) from error
        yield held


def remove_folder(path: Path) -> None:
    """Remove a folder and what is in it; a missing one is fine.

    Raises:
        GptreproError: ``path`` lies outside the home: nothing else may be removed.
    """
    if home().resolve() not in path.resolve().parents:
        raise GptreproError(f"{path} lies outside GPTREPRO_HOME ({home()}) and was not removed.")
    shutil.rmtree(path, ignore_errors=True)


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 text to ``path`` atomically, with ``\\n`` line ends on every system."""
    with atomic_file(path) as temporary:
        temporary.write_bytes(text.encode())


def canonical_json(value: Any) -> str:
    """JSON with sorted keys and no spaces: equal values give equal text."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def sha256_text(text: str) -> str:
    """SHA-256 of UTF-8 text, as 64 hexadecimal digits."""
    return hashlib.sha256(text.encode()).hexdigest()


def sha256_file(path: Path) -> str:
    """SHA-256 of a file's bytes, as 64 hexadecimal digits."""
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()
