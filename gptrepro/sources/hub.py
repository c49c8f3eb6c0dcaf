"""The hub tier, through the hub's own clients: parquet files of a data set, or files of a repository."""

from __future__ import annotations

import contextlib
import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from gptrepro import storage
from gptrepro.errors import GptreproError, StorageError
from gptrepro.sources.catalogue import HubFiles, HubSource
from gptrepro.sources.network import require_reachable

JOINED_CHARACTERS = 10_000_000  # rows that are joined make documents of about this size


def fetch_parquet(source: HubSource) -> tuple[Path, ...]:
    """The parquet files of one split, downloaded to ``home()/hub`` when they are not there yet.

    Raises:
        GptreproError: the hub cannot be reached within seconds, or has no such files.
    """
    cache = storage.home() / "hub"
    # Written last: a download that broke off left some of the files, and they look like all.
    key = storage.sha256_text(storage.canonical_json(source.model_dump()))[:16]
    complete = cache / "complete" / f"{key}.json"
    with contextlib.suppress(GptreproError):  # missing or damaged: ask the hub again
        files = [cache / name for name in storage.read_json(complete, list[str])]
        if all(file.exists() for file in files):
            return tuple(files)
    files = _download(source, cache)
    names = [file.relative_to(cache).as_posix() for file in files]
    storage.write_text(complete, json.dumps(names) + "\n")
    return tuple(files)


def fetch_hub_file(source: HubFiles, name: str, sha256: str) -> Path:
    """A verified file of a repository of models on the hub, kept in ``home()/hub``.

    Raises:
        GptreproError: the hub cannot be reached within seconds, has no such file or another one.
        StorageError: the disk is full or the home may not be written.
    """
    import huggingface_hub

    cache, file = storage.home() / "hub", source.path.format(name=name)
    kept = huggingface_hub.try_to_load_from_cache(source.id, file, cache_dir=cache, revision=source.revision)
    if isinstance(kept, str) and storage.sha256_file(Path(kept)) == sha256:
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

    path = Path(_ask_hub(source.id, cache, fetch))
    found = storage.sha256_file(path)
    if found != sha256:
        path.resolve().unlink()
        path.unlink(missing_ok=True)
        raise GptreproError(
            f"{file} of {source.id} came with sha256 {found[:12]}... instead of {sha256[:12]}... "
            "(nothing was kept)"
        )
    return path


def _ask_hub(repository: str, cache: Path, fetch: Callable[[str], str]) -> str:
    """What the client gives for the endpoint that is configured; its errors are one clause."""
    import huggingface_hub  # slow to import, and only this tier needs it
    from huggingface_hub.utils.tqdm import disable_progress_bars

    endpoint = os.environ.get("HF_ENDPOINT") or huggingface_hub.constants.ENDPOINT
    if huggingface_hub.constants.HF_HUB_OFFLINE:
        raise GptreproError("HF_HUB_OFFLINE is set and nothing was downloaded before")
    require_reachable(endpoint)
    if not sys.stderr.isatty():
        disable_progress_bars()
    try:
        with storage.explained(cache):
            return fetch(endpoint)
    except StorageError:
        raise
    except (OSError, ValueError) as error:  # the client's own errors are of these kinds too
        raise GptreproError(
            f"{repository} cannot be downloaded from {endpoint} ({_reason(error)})"
        ) from error


def _download(source: HubSource, cache: Path) -> list[Path]:
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

    folder = Path(_ask_hub(source.id, cache, fetch))
    files = sorted(path for pattern in patterns for path in folder.glob(pattern))
    if not files:
        raise GptreproError(f"{source.id} has no parquet files for {source.config}/{source.split}")
    return files


def _reason(error: BaseException) -> str:
    """What lies behind an error of the client, in one line: an HTTP status if there was one."""
    cause: BaseException | None = error
    while cause is not None:
        response = getattr(cause, "response", None)
        if response is not None:
            return f"it answered {response.status_code}"
        cause = cause.__cause__
    return str(error).partition("\n")[0] or type(error).__name__


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
            data_files=[str(path) for path in files],
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
            f"The parquet files of {source.id} cannot be read ({_reason(error)}): delete "
            f"{storage.home() / 'hub'} and fetch them again."
        ) from error
