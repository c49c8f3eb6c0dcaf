"""What data there is, what of it can be had here, and whether it is what it should be."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from gptrepro.errors import GptreproError
from gptrepro.sources.assets import fetch_files
from gptrepro.sources.catalogue import Part, Split, Tier, catalogue, shared_tiers
from gptrepro.sources.corpora import load_corpus
from gptrepro.sources.tiers import mirror_path, mirror_root, open_files


@dataclass(frozen=True)
class DatasetInfo:
    """One row of ``gptrepro data list``.

    ``tier`` is the first tier that would serve it here, without asking a network whether it really can;
    None when only a mirror has it and none is set, or this one does not hold it. ``bytes`` is its size
    as published, all splits together.
    """

    name: str
    title: str
    splits: tuple[str, ...]
    tier: str | None
    bytes: int
    licence: str
    paper: str

    def as_row(self) -> dict[str, Any]:
        """The row as JSON values."""
        return asdict(self) | {"splits": list(self.splits)}


def _first_tier(parts: tuple[Part, ...], tiers: tuple[Tier, ...]) -> Tier | None:
    mirrored = all(mirror_path(part, name) for part in parts for name in part.files)
    return next((tier for tier in tiers if tier != "mirror" or mirrored), None)


def _tier_of(splits: dict[str, Split]) -> str | None:
    found = {split: _first_tier(entry.parts, entry.tiers()) for split, entry in splits.items()}
    if len(set(found.values())) == 1:
        return next(iter(found.values()))
    return ", ".join(f"{tier} ({split})" for split, tier in found.items() if tier)


def list_datasets() -> list[DatasetInfo]:
    """Every data set of the catalogue, running text first.

    Raises:
        GptreproError: GPTREPRO_MIRROR names a folder that does not exist.
    """
    mirror_root()
    rows = []
    for name, entry in catalogue().corpora.items():
        splits = catalogue().splits(name)
        size = sum(split.bytes for split in splits.values())
        rows.append(
            DatasetInfo(name, entry.title, tuple(splits), _tier_of(splits), size, entry.licence, entry.paper)
        )
    for name, asset in catalogue().assets.items():
        tier = _first_tier(asset.parts, shared_tiers(asset.parts))
        rows.append(DatasetInfo(name, asset.title, (), tier, asset.bytes, asset.licence, asset.paper))
    return rows


def fetch(name: str) -> str:
    """Fetch a data set into the home unless it is there or in the mirror; returns one line on the outcome.

    Raises:
        GptreproError: unknown name, or no tier can serve it.
    """
    if name in catalogue().assets:
        paths = fetch_files(name)
        return f"{name}: {', '.join(str(path) for path in paths.values())}"
    tiers = {split: load_corpus(name, split).tier for split in catalogue().splits(name)}
    return f"{name}: " + ", ".join(f"{split} from the {tier}" for split, tier in tiers.items())


def verify(name: str) -> list[str]:
    """Read a data set through and compare each file with its pinned sha256; returns the problems found.

    The hub's editions have no pinned files; its client checks what it downloads.

    Raises:
        GptreproError: unknown name.
    """
    if name in catalogue().assets:
        try:
            fetch_files(name)
        except GptreproError as error:
            return [str(error)]
        return []
    problems = []
    for split in catalogue().splits(name):
        try:
            tier = load_corpus(name, split).tier
        except GptreproError as error:
            problems.append(str(error))
            continue
        if tier == "hub":
            continue
        for file in open_files(tier, catalogue().split(name, split).parts):
            try:
                file.read()
            except GptreproError as error:
                problems.append(str(error))
    return problems
