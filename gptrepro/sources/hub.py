"""The hub tier, through the hub's own clients: parquet files of a data set, or files of a repository."""

from __future__ import annotations

import contextlib
import glob
import json
import os
import re
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx2

from gptrepro import storage
from gptrepro.errors import GptreproError, StorageError
from gptrepro.sources.catalogue import HubFiles, HubSource
from gptrepro.sources.network import (
    LARGEST_PAGES,
    Allowance,
    LimitedClient,
    first_line,
    reason,
    require_reachable,
)

LARGEST_PARQUET = 4  # times the text: what the hub converts has other columns too
PARQUET = b"PAR1"  # how its files begin
MODEL_FILES = (
    "config.json",
    "model*.safetensors",
    "model.safetensors.index.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "vocab.json",
    "merges.txt",
    "added_tokens.json",
    "gptrepro_tokenizer.json",
)
"""What is read of a repository of a model."""
LARGEST_MODEL = 16_000_000_000
"""Bytes of a model that may come at most; GPT-2's largest has 6.4 GB."""
JOINED_CHARACTERS = 10_000_000  # rows that are joined make documents of about this size


def fetch_parquet(source: HubSource, text_bytes: int) -> tuple[Path, ...]:
    """The parquet files of one split, downloaded to ``home()/hub`` when they are not there yet.

    Args:
        source: the split.
        text_bytes: the size of its text; the hub's own word on sizes is not taken.

    Raises:
        GptreproError: the hub cannot be reached within seconds, has no such files or sends something else.
        StorageError: the disk is full or the home may not be written.
    """
    cache = storage.home() / "hub"
    # Written last: a download that broke off left some of the files, and they look like all.
    key = storage.sha256_text(storage.canonical_json(source.model_dump()))[:16]
    complete = cache / "complete" / f"{key}.json"
    with contextlib.suppress(GptreproError):  # missing or damaged: ask the hub again
        files = [cache / name for name in storage.read_json(complete, list[str])]
        if all(file.exists() for file in files):
            return tuple(files)
    files = _download(source, cache, LARGEST_PARQUET * text_bytes + LARGEST_PAGES)
    names = [file.relative_to(cache).as_posix() for file in files]
    storage.write_text(complete, json.dumps(names) + "\n")
    return tuple(files)


def fetch_hub_file(source: HubFiles, name: str, sha256: str, largest: int) -> Path:
    """A verified file of a repository of models on the hub, kept in ``home()/hub``.

    Args:
        source: the repository.
        name: of the file, as the catalogue has it.
        sha256: of its content.
        largest: bytes that it has at most.

    Raises:
        GptreproError: the hub cannot be reached within seconds, has no such file or another one.
        StorageError: the disk is full or the home may not be written.
    """
    import huggingface_hub

    cache, file = storage.home() / "hub", source.path.format(name=name)
    kept = huggingface_hub.try_to_load_from_cache(source.id, file, cache_dir=cache, revision=source.revision)
    if isinstance(kept, str) and storage.holds(Path(kept), sha256):
        return Path(kept)

    def fetch(endpoint: str) -> str:
        return huggingface_hub.hf_hub_download(
            source.id,
            file,
            revision=source.revision,
            cache_dir=cache,
            endpoint=endpoint,
            force_download=kept is not None,  # a damaged one
        )

    path = Path(_ask_hub(source.id, cache, largest + LARGEST_PAGES, fetch))
    found = storage.sha256_file(path)
    if found != sha256:
        _remove(path)
        raise GptreproError(
            f"{file} of {source.id} came with sha256 {found[:12]}... instead of {sha256[:12]}... "
            "(nothing was kept)"
        )
    return path


def fetch_model(repository: str, revision: str) -> Path:
    """The folder with the configuration, weights and tokenizer of a model, kept in ``home()/hub``.

    What was downloaded before also serves while the hub is away.

    Args:
        repository: ``org/name``.
        revision: a branch, tag or commit.

    Raises:
        GptreproError: the hub cannot be reached within seconds, or has no weights as safetensors; a clause.
        StorageError: the disk is full or the home may not be written.
    """
    import huggingface_hub

    cache = storage.home() / "hub"

    def fetch(endpoint: str | None, offline: bool = False) -> str:
        return huggingface_hub.snapshot_download(
            repository,
            revision=revision,
            allow_patterns=list(MODEL_FILES),
            cache_dir=cache,
            endpoint=endpoint,
            local_files_only=offline,
        )

    try:
        folder = Path(_ask_hub(repository, cache, LARGEST_MODEL, fetch))
    except StorageError:
        raise
    except GptreproError:
        try:
            folder = Path(fetch(None, offline=True))
        except (OSError, ValueError):  # nothing was kept
            folder = cache
        if not any(folder.glob("*.safetensors")):
            raise
    if not any(folder.glob("*.safetensors")):
        raise GptreproError(
            "it has no weights as safetensors, and pickled ones, which can run code, stay shut"
        )
    return folder


def _ask_hub(repository: str, cache: Path, largest: int, fetch: Callable[[str], str]) -> str:
    """What the client gives for the endpoint that is configured; its errors are one clause."""
    import huggingface_hub  # slow to import, and only this tier needs it
    from huggingface_hub.utils._http import default_client_factory
    from huggingface_hub.utils.tqdm import disable_progress_bars

    endpoint = os.environ.get("HF_ENDPOINT") or huggingface_hub.constants.ENDPOINT
    if huggingface_hub.constants.HF_HUB_OFFLINE:
        raise GptreproError("HF_HUB_OFFLINE is set and nothing was downloaded before")
    require_reachable(endpoint)
    if not sys.stderr.isatty():
        disable_progress_bars()
    # The other way that files come, a client of its own in native code, knows no limits.
    huggingface_hub.constants.HF_HUB_DISABLE_XET = True
    allowance = Allowance(largest)
    hooks = default_client_factory().event_hooks | {"response": [_require_plain_names]}
    huggingface_hub.set_client_factory(
        lambda: LimitedClient(allowance, event_hooks=hooks, follow_redirects=True)
    )
    try:
        with storage.explained(cache):
            return fetch(endpoint)
    except StorageError:
        raise
    except Exception as error:  # whatever the client trips over in an answer
        _forget(repository, cache)
        raise GptreproError(f"{repository} cannot be downloaded from {endpoint} ({reason(error)})") from error


def _require_plain_names(response: httpx2.Response) -> None:
    """The client names files and folders after these headers, wherever that leads."""
    for header in ("ETag", "X-Linked-ETag", "X-Repo-Commit"):
        if re.search(r"[/\\]|\.\.|^\W*$", response.headers.get(header, "none").removeprefix("W/")):
            raise GptreproError(f"its header {header} is not a name")


def _forget(repository: str, cache: Path) -> None:
    """Drop what the client noted of a repository but not its files: notes that may be wrong would stay."""
    from huggingface_hub import _tree_cache

    _tree_cache._IN_MEMORY_TREE_CACHE.clear()  # it has no public way to forget
    for folder in cache.glob(f"*--{repository.replace('/', '--')}"):
        for notes in ("trees", "refs", ".no_exist"):
            shutil.rmtree(folder / notes, ignore_errors=True)


def _download(source: HubSource, cache: Path, largest: int) -> list[Path]:
    import huggingface_hub

    # A set too large for the hub's own conversion is converted in part.
    patterns = [f"{source.config}/{kind}{source.split}/*.parquet" for kind in ("", "partial-")]

    def fetch(endpoint: str) -> str:
        return huggingface_hub.snapshot_download(
            source.id,
            repo_type="dataset",
            revision=source.revision,
            allow_patterns=patterns,
            cache_dir=cache,
            endpoint=endpoint,
        )

    folder = Path(_ask_hub(source.id, cache, largest, fetch))
    files = sorted(path for pattern in patterns for path in folder.glob(pattern))
    for file in files:
        with file.open("rb") as handle:
            is_parquet = handle.read(len(PARQUET)) == PARQUET
        if not is_parquet:
            _remove(file)
            raise GptreproError(f"{source.id} came with something else than parquet files (it was not kept)")
    if not files:
        _forget(source.id, cache)
        raise GptreproError(f"{source.id} has no parquet files for {source.config}/{source.split}")
    return files


def _remove(file: Path) -> None:
    """Remove a file of the client's cache, which is a link to its content where the system has links."""
    file.resolve().unlink()
    file.unlink(missing_ok=True)


def hub_documents(source: HubSource, files: tuple[Path, ...]) -> Iterator[str]:
    """The documents in parquet files: rows, or rows joined into long texts; a labelled row is a JSON line.

    Raises:
        GptreproError: a file is damaged or lacks the column.
    """
    rows = _rows(source, files)
    if source.join is None:
        yield from rows
        return
    gathered: list[str] = []
    size = 0
    for row in rows:
        gathered.append(row)
        size += len(row)
        if size >= JOINED_CHARACTERS:
            yield source.join.join(gathered) + source.join
            gathered, size = [], 0
    if gathered:
        yield source.join.join(gathered)


def _value(row: Mapping[str, Any], column: str) -> Any:
    """The value of a column, or of the field of a column that a dot names."""
    name, _, field = column.partition(".")
    return row[name][field] if field else row[name]


def _rows(source: HubSource, files: tuple[Path, ...]) -> Iterator[str]:
    import datasets

    wanted = source.column
    names = [wanted] if isinstance(wanted, str) else wanted.values()
    columns = list(dict.fromkeys(name.partition(".")[0] for name in names))
    try:
        rows = datasets.load_dataset(
            "parquet",
            data_files=[glob.escape(str(path)) for path in files],  # the client takes names for patterns
            split="train",  # the name that the client gives to files listed by hand
            streaming=True,
            columns=columns,
        )
        for row in rows:
            if isinstance(wanted, str):
                yield row[wanted]
            else:
                ours = {name: _value(row, theirs) for name, theirs in wanted.items()}
                yield json.dumps(ours, ensure_ascii=False)
    except (ValueError, KeyError, TypeError, OSError) as error:
        raise GptreproError(
            f"The parquet files of {source.id} cannot be read ({first_line(error)}): delete "
            f"{storage.home() / 'hub'} and fetch them again."
        ) from error
