"""What data there is, what of it can be had here, and whether it is what it should be."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args

from gptrepro.errors import GptreproError
from gptrepro.sources.assets import fetch_files
from gptrepro.sources.catalogue import Entry, FileSet, Split, Tier, catalogue, shared_tiers
from gptrepro.sources.corpora import load_corpus
from gptrepro.sources.releases import Packed, write_release
from gptrepro.sources.tiers import mirror_path, mirror_root, open_files

Kind = Literal["text", "rows", "files"]


@dataclass(frozen=True)
class DatasetInfo:
    """What ``gptrepro data list`` and ``gptrepro data show`` say of a data set.

    ``tier`` is the first tier that would serve it here, without asking a network whether it really can;
    None when only a mirror has it and none is set, or this one does not hold it. ``bytes`` is its size
    as published, all splits together; ``source`` is where a mirror has it from.
    """

    name: str
    kind: Kind
    title: str
    splits: tuple[str, ...]
    tier: str | None
    bytes: int
    licence: str
    source: str | None
    paper: str
    note: str | None

    def as_row(self) -> dict[str, Any]:
        """The row as JSON values."""
        return asdict(self) | {"splits": list(self.splits)}


def _first_tier(file_sets: tuple[FileSet, ...], tiers: tuple[Tier, ...]) -> Tier | None:
    mirrored = all(mirror_path(file_set, name) for file_set in file_sets for name in file_set.files)
    return next((tier for tier in tiers if tier != "mirror" or mirrored), None)


def _tier_of(splits: dict[str, Split]) -> str | None:
    found = {split: _first_tier(entry.file_sets, entry.tiers()) for split, entry in splits.items()}
    if len(set(found.values())) == 1:
        return next(iter(found.values()))
    return ", ".join(f"{tier} ({split})" for split, tier in found.items() if tier)


def _describe(name: str) -> DatasetInfo:
    if name in catalogue().assets:
        asset = catalogue().assets[name]
        tier = _first_tier(asset.file_sets, shared_tiers(asset.file_sets))
        return _info(name, "files", asset, (), tier, asset.bytes)
    entry, splits = catalogue().corpus(name), catalogue().splits(name)
    size = sum(split.bytes for split in splits.values())
    kind: Kind = "rows" if entry.format == "rows" else "text"
    return _info(name, kind, entry, tuple(splits), _tier_of(splits), size)


def _info(
    name: str, kind: Kind, entry: Entry, splits: tuple[str, ...], tier: str | None, size: int
) -> DatasetInfo:
    return DatasetInfo(
        name, kind, entry.title, splits, tier, size, entry.licence, entry.source, entry.paper, entry.note
    )


def list_datasets() -> list[DatasetInfo]:
    """Every data set of the catalogue: running text, labelled rows, files.

    Raises:
        GptreproError: GPTREPRO_MIRROR names a folder that does not exist.
    """
    mirror_root()
    found = [_describe(name) for name in (*catalogue().corpora, *catalogue().assets)]
    return [info for kind in get_args(Kind) for info in found if info.kind == kind]


def describe(name: str) -> DatasetInfo:
    """One data set of the catalogue.

    Raises:
        GptreproError: unknown name, or GPTREPRO_MIRROR names a folder that does not exist.
    """
    mirror_root()
    return _describe(name)


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
        for file in open_files(tier, catalogue().split(name, split).file_sets):
            try:
                file.read()
            except GptreproError as error:
                problems.append(str(error))
    return problems


def pack(name: str) -> Packed:
    """Pack the archive of a release from the mirror.

    Raises:
        GptreproError: unknown name, or there is no mirror that holds all its files.
    """
    catalogue().release(name)
    members: dict[str, bytes] = {}
    for file_set in catalogue().file_sets():
        if file_set.release is None or file_set.release.name != name:
            continue
        try:
            files = open_files("mirror", (file_set,))
        except GptreproError as error:
            raise GptreproError(f"{name} cannot be packed: {error}.") from error
        members |= {file_set.release.path.format(name=file.name): file.read() for file in files}
    return write_release(name, catalogue(), members)
