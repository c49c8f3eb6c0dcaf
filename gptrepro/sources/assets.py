"""Published files that are not running text, such as the papers' vocabularies, as paths."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from gptrepro import storage
from gptrepro.errors import GptreproError
from gptrepro.sources.catalogue import Tier, catalogue, shared_tiers
from gptrepro.sources.tiers import mirror_root, open_files, unavailable


def fetch_files(name: str) -> dict[str, Path]:
    """The verified files of an asset by name, copied to ``home()/files`` from the first tier that has them.

    Raises:
        GptreproError: unknown name, or no tier can serve it.
    """
    asset = catalogue().asset(name)
    folder = storage.home() / "files" / name
    pinned = {file: sha256 for file_set in asset.file_sets for file, sha256 in file_set.files.items()}
    paths = {file: folder / file for file in pinned}
    if all(path.exists() and storage.sha256_file(path) == pinned[file] for file, path in paths.items()):
        return paths
    mirror_root()  # a mirror that was named but is not there is a mistake, not a missing tier
    reasons: dict[Tier, str] = {}
    for tier in shared_tiers(asset.file_sets):
        try:
            contents = {file.name: file.read() for file in open_files(tier, asset.file_sets)}
        except GptreproError as error:
            reasons[tier] = str(error)
            continue
        for file, path in paths.items():
            with storage.atomic_file(path) as temporary:
                temporary.write_bytes(contents[file])
        return paths
    raise unavailable(name, reasons)


def fetch_file(name: str, member: str) -> Path:
    """One verified file of an asset, such as ``fetch_file("cmudict", "cmudict.dict")``.

    Raises:
        GptreproError: unknown name or member, or no tier can serve it.
    """
    files = fetch_files(name)
    if member not in files:
        raise GptreproError(f"{name} has no file {member!r}: it has {', '.join(files)}.")
    return files[member]


def tokenizer_files(name: Literal["gpt1", "gpt2"]) -> dict[str, Path]:
    """The published vocabulary and merges of GPT-1 or GPT-2, by their published names.

    Raises:
        GptreproError: no tier can serve them.
    """
    return fetch_files(f"{name}-vocabulary")
