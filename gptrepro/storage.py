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
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar, cast

import filelock
import platformdirs
import yaml
from pydantic import TypeAdapter, ValidationError

from gptrepro import temporaries
from gptrepro.errors import GptreproError, StorageError

T = TypeVar("T")

LOCK = ".lock"
"""The file in a folder that says who holds it, by the system's lock and not by being there."""


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
            "This needs the checkout (notebooks, book), which an installed package has not: clone the "
            "repository and install it with `pip install -e .`."
        )
    return root


def data_folder() -> Path:
    """Claims, published records and the catalogue of sources: as a wheel carries them, or of the checkout.

    Raises:
        GptreproError: neither is there.
    """
    carried = Path(__file__).resolve().parent / "data"
    return carried if carried.is_dir() else project_root() / "data"


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
        if error.errno == errno.EISDIR:
            raise StorageError(
                f"{path} cannot be written, since a folder stands in its place: remove it."
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
        descriptor, name = tempfile.mkstemp(*temporaries.affixes(path.name, "new"), path.parent)
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
            retired = Path(tempfile.mkdtemp(*temporaries.affixes(path.name, "old"), path.parent))
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
        temporary = Path(tempfile.mkdtemp(*temporaries.affixes(name, "new"), parent))
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


def _prepare(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError) as error:
        raise StorageError(
            f"{folder} cannot be made a folder, since a file stands in its place or above: remove the file "
            "or choose another place."
        ) from error
    temporaries.sweep_once(folder.absolute())


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
        temporaries.sweep(folder, older_than=0)
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
    """The text of a UTF-8 file, without the byte-order mark that some editors write first.

    Args:
        path: the file.
        what: its kind, as the reader of an error knows it.
        otherwise: what to do when it cannot be read.

    Raises:
        GptreproError: it is missing, a folder, unreadable or not UTF-8.
    """
    try:
        return path.read_text(encoding="utf-8-sig")
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
    text = read_text(path, what, otherwise)
    try:
        return parse_json(text, schema, what)
    except GptreproError as error:
        raise GptreproError(f"{path} {error}: {otherwise}.") from error


def read_json_lines(path: Path, schema: type[T], what: str, row: str, otherwise: str) -> list[T]:
    """The values of a file with one JSON value a line, each of the type ``schema``; see `read_text`.

    Raises:
        GptreproError: it cannot be read, or a line that is not empty is not JSON or something else.
    """
    values = []
    for number, line in enumerate(read_text(path, what, otherwise).split("\n"), start=1):
        if line.strip():  # not splitlines, which also cuts at U+2028
            try:
                values.append(parse_json(line, schema, row))
            except GptreproError as error:
                raise GptreproError(f"Line {number:,} of {path} {error}: {otherwise}.") from error
    return values


def parse_json(text: str | bytes, schema: type[T], what: str = "value") -> T:
    """The value of JSON text, of the type or pydantic model ``schema``: the one parser of what others wrote.

    It knows no depth at which it gives up with a traceback, nor any type that it makes fit.

    Raises:
        GptreproError: it is not JSON, or something else; the message is a clause without its subject.
    """
    try:
        value: T = _adapter(cast(Any, schema)).validate_json(text, strict=True)
    except GptreproError as error:  # of a dataclass that checks its own values
        raise GptreproError(f"is no usable {what} ({str(error).rstrip('.')})") from error
    except ValidationError as error:
        first = error.errors()[0]
        if first["type"] == "json_invalid":
            raise GptreproError(f"is not valid JSON ({first['ctx']['error']})") from error
        place = "".join(f"{part}: " for part in first["loc"])
        raise GptreproError(f"is not a {what} ({place}{first['msg']})") from error
    return value


@functools.cache
def _adapter(schema: Any) -> TypeAdapter[Any]:
    """Making one takes longer than reading a line."""
    return TypeAdapter(schema)


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


def holds(path: Path, sha256: str) -> bool:
    """Whether ``path`` is a file that can be read, with this content."""
    try:
        return path.is_file() and sha256_file(path) == sha256
    except OSError:
        return False
