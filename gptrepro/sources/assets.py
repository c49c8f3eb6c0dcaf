"""Published files that are not running text, such as the papers' vocabularies, as paths."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from gptrepro import storage
from gptrepro.errors import GptreproError, StorageError
from gptrepro.sources.catalogue import AssetEntry, Tier, catalogue, shared_tiers
from gptrepro.sources.hub import fetch_hub_file
from gptrepro.sources.tiers import mirror_root, open_files, unavailable


def fetch_files(name: str) -> dict[str, Path]:
    """The verified files of an asset by name, from the first tier that has them.

    They are copied to ``home()/files``, except what the hub serves, which its own cache holds: released
    weights are large.

    Raises:
        GptreproError: unknown name, or no tier can serve it.
        StorageError: the disk is full or the home may not be written.
    """
    asset = catalogue().asset(name)
    folder = storage.home() / "files" / name
    pinned = {file: sha256 for file_set in asset.file_sets for file, sha256 in file_set.files.items()}
    paths = {file: folder / file for file in pinned}
    if all(storage.holds(path, pinned[file]) for file, path in paths.items()):
        return paths
    mirror_root()  # a mirror that was named but is not there is a mistake, not a missing tier
    reasons: dict[Tier, str] = {}
    for tier in shared_tiers(asset.file_sets):
        try:
            if tier == "hub":
                return _from_hub(asset)
            contents = {file.name: file.read() for file in open_files(tier, asset.file_sets)}
        except StorageError:
            raise
        except GptreproError as error:
            reasons[tier] = str(error)
            continue
        for file, path in paths.items():
            with storage.atomic_file(path) as temporary:
                temporary.write_bytes(contents[file])
        return paths
    raise unavailable(name, reasons)


def _from_hub(asset: AssetEntry) -> dict[str, Path]:
    return {
        file: fetch_hub_file(file_set.hub, file, sha256, asset.bytes)
        for file_set in asset.file_sets
        if file_set.hub is not None
        for file, sha256 in file_set.files.items()
    }


def tokenizer_files(name: Literal["gpt1", "gpt2"]) -> dict[str, Path]:
    """The published vocabulary and merges of GPT-1 or GPT-2, by their published names.

    Raises:
        GptreproError: no tier can serve them.
    """
    return fetch_files(f"{name}-vocabulary")
