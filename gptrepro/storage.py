"""Where files live and how they appear: atomically, verified, under one home.

Everything that a run produces (token shards, checkpoints, records, downloads) lies under
``GPTREPRO_HOME``, outside the work tree. Nothing else in the package chooses a place for files.
"""

from __future__ import annotations

import contextlib
import errno
import functools
import hashlib
import json
import os
import re
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import filelock
import platformdirs
import yaml
from pydantic import TypeAdapter, ValidationError

from gptrepro.errors import GptreproError, StorageError

T = TypeVar("T")

LOCK = ".lock"
"""The file in a folder that says who holds it, by the system's lock and not by being there."""

STALE_SECONDS = 3600.0
"""A temporary file or folder whose writer is gone is swept when nobody has touched it for so long."""

_TEMPORARY = re.compile(r"\.(?P<name>.+)\.(?P<pid>\d+)-\w+\.(?P<kind>new|old)")
"""What an atomic write is called before it is done, or what it replaces: the name, the process, its kind."""

_STARTED = time.time()


def home() -> Path:
    """The folder for everything a run makes: ``GPTREPRO_HOME``, or the user's cache folder."""
    configured = os.environ.get("GPTREPRO_HOME")
    return Path(configured).expanduser() if configured else platformdirs.user_cache_path("gptrepro")


def make_places_absolute() -> None:
    """Let relative folders in the environment count from here, not from where a notebook will run."""
    for name in ("GPTREPRO_HOME", "GPTREPRO_MIRROR"):
        if os.environ.get(name):
            os.environ[name] = str(Path(os.environ[name]).expanduser().absolute())


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


def repository(root: Path) -> str | None:
    """The address of the repository, as ``_config.yml`` in ``root`` states it.

    Raises:
        GptreproError: the file cannot be read.
    """
    config = root / "_config.yml"
    settings = read_yaml(config) if config.exists() else None
    address = ((settings or {}).get("repository") or {}).get("url")
    return str(address).rstrip("/") if address else None


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turn the operating system's refusals to write into one sentence."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise StorageError(
                f"The disk is full while writing {path}: free some space or point GPTREPRO_HOME "
                "at another disk, then run the same command again; nothing was left half-written."
            ) from error
        if error.errno in (errno.EACCES, errno.EROFS, errno.EPERM):
            raise StorageError(
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
        StorageError: the disk is full or the folder may not be written.
    """
    with explained(path):
        _prepare(path.parent)
        descriptor, name = tempfile.mkstemp(*_affixes(path.name, "new"), path.parent)
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
        StorageError: the disk is full or the folder may not be written.
    """
    with scratch_folder(path.parent, path.name) as temporary, explained(path):
        yield temporary
        for file in temporary.rglob("*"):
            if file.is_file():
                with file.open("rb+") as handle:
                    os.fsync(handle.fileno())
        temporary.chmod(0o755)
        if path.exists():
            retired = Path(tempfile.mkdtemp(*_affixes(path.name, "old"), path.parent))
            path.replace(retired / path.name)
            temporary.replace(path)
            shutil.rmtree(retired, ignore_errors=True)
        else:
            temporary.replace(path)
        _fsync_directory(path.parent)


@contextmanager
def scratch_folder(parent: Path, name: str) -> Iterator[Path]:
    """Yield an empty folder in ``parent`` that is removed with what is in it when the block ends.

    Raises:
        StorageError: the disk is full or ``parent`` may not be written.
    """
    with explained(parent):
        _prepare(parent)
        temporary = Path(tempfile.mkdtemp(*_affixes(name, "new"), parent))
        try:
            yield temporary
        finally:
            shutil.rmtree(temporary, ignore_errors=True)


def require_writable(folder: Path) -> None:
    """Find out, before hours of work, whether ``folder`` can be made and written.

    Raises:
        GptreproError: it cannot.
    """
    with scratch_folder(folder, "probe"):
        pass


def _affixes(name: str, kind: str) -> tuple[str, str]:
    """The suffix and the prefix of a name that `sweep` knows."""
    return f".{kind}", f".{name}.{os.getpid()}-"


def _prepare(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError) as error:
        raise StorageError(
            f"{folder} cannot be made a folder, since a file stands in its place or above: remove the file "
            "or choose another place."
        ) from error
    _sweep_once(folder.absolute())


@functools.cache
def _sweep_once(folder: Path) -> None:
    """Once a process is enough: thousands of writes into one folder would each list it."""
    sweep(folder)


def sweep(folder: Path, older_than: float = STALE_SECONDS) -> None:
    """Remove what killed writers left in ``folder``, and put back what one of them had set aside.

    Left alone is what a living process may still write, or somebody has touched in the last ``older_than``
    seconds: process numbers say nothing about another machine that shares the folder.
    """
    for leftover in folder.glob(".*-*.*"):
        match = _TEMPORARY.fullmatch(leftover.name)
        if match is None:
            continue
        with contextlib.suppress(OSError):  # somebody else sweeps here too
            touched = max(path.lstat().st_mtime for path in (leftover, *leftover.rglob("*")))
            if time.time() - touched < older_than or _is_alive(int(match["pid"]), touched):
                continue
            aside, place = leftover / match["name"], folder / match["name"]
            if match["kind"] == "old" and aside.exists() and not place.exists():
                aside.replace(place)
            if leftover.is_dir():
                shutil.rmtree(leftover, ignore_errors=True)
            else:
                leftover.unlink()


def _is_alive(pid: int, touched: float) -> bool:
    """Whether the process that wrote at ``touched`` may still be at work; numbers are given out again."""
    if pid == os.getpid():
        return touched >= _STARTED
    if os.name == "nt":  # os.kill would end it; Windows keeps what is open from being removed
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # another user's
        return True
    return True


@contextmanager
def sole_holder(folder: Path, otherwise: str, wait_seconds: float = 0.0) -> Iterator[bool]:
    """Hold ``folder`` until the block ends; a process that is killed lets go by itself.

    What killed writers left in the folder is swept: its holder is the only one who writes there. Yields
    whether it is held: not on a file system that knows no locks, nor where the lock cannot be written.

    Raises:
        GptreproError: ``otherwise``, when another process, or another thread of this one, holds it and
            does not let go in ``wait_seconds``.
    """
    lock = filelock.FileLock(folder / LOCK, timeout=wait_seconds, fallback_to_soft=False)
    with contextlib.suppress(OSError):  # the first file that is written says what is wrong
        folder.mkdir(parents=True, exist_ok=True)
        try:
            lock.acquire()
        except filelock.Timeout as error:
            raise GptreproError(otherwise) from error
        sweep(folder, older_than=0)
    try:
        yield lock.is_locked
    finally:
        lock.release()


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


def read_text(path: Path, what: str = "file", otherwise: str = "restore it or make it again") -> str:
    """The text of a UTF-8 file.

    Args:
        path: the file.
        what: its kind, as the reader of an error knows it.
        otherwise: what to do when it cannot be read.

    Raises:
        GptreproError: it is missing, a folder, unreadable or not UTF-8.
    """
    try:
        return path.read_text(encoding="utf-8")
    except (FileNotFoundError, NotADirectoryError):
        raise GptreproError(f"There is no {what} at {path}: {otherwise}.") from None
    except OSError as error:
        reason = "it is a folder" if path.is_dir() else error.strerror
        raise GptreproError(f"{path} cannot be read ({reason}): {otherwise}.") from error
    except UnicodeDecodeError as error:
        raise GptreproError(f"{path} is not UTF-8 text (byte {error.start}): {otherwise}.") from error


def read_yaml(
    path: Path, what: str = "file", otherwise: str = "restore it from the repository or correct it"
) -> Any:
    """The value of a YAML file; see `read_text`.

    Raises:
        GptreproError: it cannot be read, is not YAML, or states a key twice, of which YAML would drop one.
    """
    try:
        return yaml.load(read_text(path, what, otherwise), _StrictLoader)
    except yaml.YAMLError as error:
        reason = " ".join(str(error).split())
        raise GptreproError(f"{path} is not valid YAML ({reason}): {otherwise}.") from error


class _StrictLoader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]  # in C where it can
    """The safe loader of PyYAML, which refuses a key that its mapping has already."""

    def construct_document(self, node: yaml.Node) -> Any:
        todo, seen = [node], {id(node)}  # an anchor may hold itself
        for each in todo:
            if isinstance(each, yaml.MappingNode):
                stated: set[tuple[str, str]] = set()
                for key, _ in each.value:
                    if (key.tag, str(key.value)) in stated:
                        raise yaml.constructor.ConstructorError(
                            None, None, f"`{key.value}` is stated twice", key.start_mark
                        )
                    stated.add((key.tag, str(key.value)))
            parts = [part for _, part in each.value] if isinstance(each, yaml.MappingNode) else each.value
            if isinstance(each, yaml.CollectionNode):
                todo += [part for part in parts if id(part) not in seen]
                seen |= {id(part) for part in parts}
        return super().construct_document(node)


def read_json(
    path: Path, schema: type[T], what: str = "file", otherwise: str = "restore it or make it again"
) -> T:
    """The value of a JSON file, of the type or pydantic model ``schema``; see `read_text`.

    Raises:
        GptreproError: it cannot be read, is not JSON, or holds something else than ``schema``.
    """
    try:
        return TypeAdapter(schema).validate_json(read_text(path, what, otherwise), strict=True)
    except ValidationError as error:
        first = error.errors()[0]
        if first["type"] == "json_invalid":
            reason = f"is not valid JSON ({first['ctx']['error']})"
        else:
            place = "".join(f"{part}: " for part in first["loc"])
            reason = f"is not a {what} ({place}{first['msg']})"
        raise GptreproError(f"{path} {reason}: {otherwise}.") from error


def remembered(path: Path, compute: Callable[[], Any]) -> Any:
    """The JSON value in a file, computed and written where there is none."""
    if not path.exists():
        write_text(path, json.dumps(compute()))
    value: Any = read_json(path, object, "result", "delete it, and it is computed again")
    return value


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
