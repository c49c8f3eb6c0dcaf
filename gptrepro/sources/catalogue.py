"""The catalogue of texts, labelled rows and files, ``data/sources/*.yml``, as validated objects."""

from __future__ import annotations

import difflib
import functools
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from gptrepro import storage
from gptrepro.errors import GptreproError
from gptrepro.sources.cleaning import Style
from gptrepro.sources.rows import Form

Tier = Literal["mirror", "package", "origin", "release", "hub"]
"""Places that serve bytes, in the order in which they are tried."""

TIERS: tuple[Tier, ...] = get_args(Tier)
Value = TypeVar("Value")
Filled = Annotated[str, Field(min_length=1)]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class _Strict(BaseModel):
    """Part of the catalogue: immutable, and a misspelt key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class ArchiveFile(_Strict):
    """One archive that holds data, read as an archive; the suffix of ``file`` tells its kind."""

    file: str
    sha256: Sha256
    bytes: int


class PackageFile(ArchiveFile):
    """One archive on the Python index that ships data, never installed."""

    version: str
    licence: Filled


class ReleaseFile(ArchiveFile):
    """One archive of our own (`gptrepro.sources.releases`), published under a tag of the repository."""

    tag: Filled


class MemberSource(_Strict):
    """Where a file lies in a package or release; ``{name}`` in ``path`` is the file's name."""

    name: str
    path: str


class OriginSource(_Strict):
    """A public repository at a pinned commit; ``{name}`` in ``path`` is the file's name.

    ``form`` says how labelled rows are written there, where that is not in the lines that the sha256 is of.
    """

    repository: str
    commit: Annotated[str, Field(pattern=r"^[0-9a-f]{40}$")]
    path: str
    form: Form | None = None


class HubSource(_Strict):
    """One split of a data set on the hub, read from its parquet files.

    A row is a document, unless ``join`` is given: then rows are joined with it into long documents.
    ``column`` is the column of the text; of labelled rows it is a mapping, our columns to the hub's
    (``choices.text`` is the field ``text`` of its column ``choices``).
    The hub's conversion branch holds parquet for every public set, also for those that only a script
    could load.
    """

    id: str
    config: str
    split: str
    column: str | dict[str, str] = "text"
    join: str | None = None
    revision: str = "refs/convert/parquet"


class HubFiles(_Strict):
    """Files of a repository on the hub, as they are, at a pinned commit."""

    id: str
    revision: Annotated[str, Field(pattern=r"^[0-9a-f]{40}$")]
    path: str = "{name}"


class FileSet(_Strict):
    """Files that share their tiers: a pattern for each tier, and each file's pinned sha256."""

    mirror: str | None = None
    package: MemberSource | None = None
    origin: OriginSource | None = None
    release: MemberSource | None = None
    hub: HubFiles | None = None
    files: dict[str, Sha256]

    def tiers(self) -> set[Tier]:
        """The tiers that this set names."""
        return {tier for tier in TIERS if getattr(self, tier) is not None}


class Split(_Strict):
    """One split of a corpus: pinned files, a hub data set, or both.

    ``bytes`` is the size of the text as published, uncompressed and before cleaning.
    """

    bytes: int
    file_sets: tuple[FileSet, ...] = ()
    hub: HubSource | None = None

    @model_validator(mode="after")
    def _has_a_source(self) -> Split:
        if not self.file_sets and self.hub is None:
            raise ValueError("a split needs file sets or a hub data set")
        if not self.tiers():
            raise ValueError("a split needs one tier that all its file sets name, such as mirror or origin")
        if any(files.hub for files in self.file_sets):
            raise ValueError("a split reads the hub as rows: hub files are for assets")
        return self

    def tiers(self) -> tuple[Tier, ...]:
        """The tiers that can serve every file of the split, in the order in which they are tried."""
        files = shared_tiers(self.file_sets)
        return (*files, "hub") if self.hub else files


def shared_tiers(file_sets: tuple[FileSet, ...]) -> tuple[Tier, ...]:
    """The tiers that all sets name, in the order in which they are tried."""
    shared = set.intersection(*(files.tiers() for files in file_sets)) if file_sets else set()
    return tuple(tier for tier in TIERS if tier in shared)


class Entry(_Strict, ABC):
    """What every data set states: ``source`` is where a mirror has it from, ``note`` what to beware of."""

    title: Filled
    licence: Filled
    source: Filled | None = None
    paper: Filled
    note: Filled | None = None

    @abstractmethod
    def all_file_sets(self) -> tuple[FileSet, ...]:
        """The file sets of all its splits."""


class CorpusEntry(Entry):
    """One named corpus: its own splits, or the ``members`` that it joins.

    ``format`` says what a document is: a whole file (``text``), the ``text`` field of a JSON line
    (``jsonl``), a line (``lines``) or a labelled row (``rows``), which is a JSON line with all its fields
    (`gptrepro.tasks.labelled` reads them). ``style`` names the cleaning (``gptrepro.sources.cleaning``). A
    corpus without a held-out split gets one by ``heldout_share``: the hash of each document of its ``train``
    decides whether it is of this share.
    """

    format: Literal["text", "jsonl", "lines", "rows"]
    style: Style
    splits: dict[str, Split] = {}
    members: tuple[str, ...] = ()
    heldout_share: Annotated[float, Field(gt=0, lt=0.5)] | None = None

    def all_file_sets(self) -> tuple[FileSet, ...]:
        """The file sets of all its splits, without those of members."""
        return tuple(files for split in self.splits.values() for files in split.file_sets)

    @model_validator(mode="after")
    def _rows_have_columns(self) -> CorpusEntry:
        sources = [split.hub for split in self.splits.values() if split.hub]
        if any(isinstance(source.column, dict) != (self.format == "rows") for source in sources):
            raise ValueError("column is a mapping for the format rows, and one name for every other")
        if self.heldout_share and self.splits and set(self.splits) != {"train"}:
            raise ValueError("heldout_share divides the split train of a corpus that has no other")
        return self


class AssetEntry(Entry):
    """Named files that are not running text, such as a published vocabulary."""

    bytes: int
    file_sets: tuple[FileSet, ...]

    def all_file_sets(self) -> tuple[FileSet, ...]:
        """Its file sets."""
        return self.file_sets


class Addresses(_Strict):
    """Where files are fetched from: patterns."""

    origin: str  # with {repository}, {commit} and {path}
    release: str  # with {repository}, the address of ours, {tag} and {file}


class Catalogue(_Strict):
    """All of ``data/sources``."""

    addresses: Addresses
    packages: dict[str, PackageFile]
    releases: dict[str, ReleaseFile]
    corpora: dict[str, CorpusEntry]
    assets: dict[str, AssetEntry]

    @model_validator(mode="after")
    def _names_exist(self) -> Catalogue:
        for name, corpus in self.corpora.items():
            if bool(corpus.splits) == bool(corpus.members):
                raise ValueError(f"{name} needs either splits or members")
            for member in corpus.members:
                if not self.corpora[member].splits:
                    raise ValueError(f"{name} joins {member}, which has no splits of its own")
                if self.corpora[member].heldout_share != corpus.heldout_share:
                    raise ValueError(f"{name} and its member {member} need the same heldout_share")
        for files in self.file_sets():
            if files.package and files.package.name not in self.packages:
                raise ValueError(f"there is no package {files.package.name}")
            if files.release and files.release.name not in self.releases:
                raise ValueError(f"there is no release {files.release.name}")
        return self

    def file_sets(self) -> list[FileSet]:
        """All file sets, those of assets last."""
        entries: list[Entry] = [*self.corpora.values(), *self.assets.values()]
        return [files for entry in entries for files in entry.all_file_sets()]

    def corpus(self, name: str) -> CorpusEntry:
        """The entry of a corpus; an unknown name is one sentence with the closest matches."""
        return _look_up(self.corpora, name, "text", "`gptrepro data list` shows them all")

    def splits(self, name: str) -> dict[str, Split]:
        """The splits of a corpus: as published, the members' joined, or one divided in two by hash."""
        entry = self.corpus(name)
        splits = entry.splits
        if entry.members:
            members = [self.corpora[member].splits for member in entry.members]
            shared = [split for split in members[0] if all(split in splits for splits in members)]
            splits = {split: _joined([splits[split] for splits in members]) for split in shared}
        if entry.heldout_share is None:
            return splits
        whole, heldout = splits["train"], round(splits["train"].bytes * entry.heldout_share)
        sizes = {"train": whole.bytes - heldout, "heldout": heldout}
        return {split: whole.model_copy(update={"bytes": size}) for split, size in sizes.items()}

    def split(self, name: str, split: str) -> Split:
        """The entry of one split of a corpus."""
        splits = self.splits(name)
        return _look_up(splits, split, f"split of {name}", f"it has {', '.join(splits)}")

    def release(self, name: str) -> ReleaseFile:
        """The entry of an archive of our own."""
        return _look_up(self.releases, name, "release", f"there are {', '.join(self.releases)}")

    def asset(self, name: str) -> AssetEntry:
        """The entry of named files that are not running text."""
        return _look_up(self.assets, name, "set of files", f"there are {', '.join(self.assets)}")


def _joined(splits: list[Split]) -> Split:
    return Split(
        bytes=sum(split.bytes for split in splits),
        file_sets=tuple(files for split in splits for files in split.file_sets),
    )


def _look_up(table: dict[str, Value], name: str, what: str, otherwise: str) -> Value:
    if name in table:
        return table[name]
    matches = difflib.get_close_matches(name, table, n=3, cutoff=0.5)
    hint = f"did you mean {' or '.join(matches)}?" if matches else f"{otherwise}."
    raise GptreproError(f"There is no {what} called {name!r}: {hint}")


def _read_tables(path: Path) -> dict[str, dict[str, Any]]:
    content = storage.read_yaml(path, "list of data sources")
    if not isinstance(content, dict) or not all(isinstance(table, dict) for table in content.values()):
        raise GptreproError(f"The list of data sources {path} is not valid: it holds no tables.")
    return content


def read_catalogue(folder: Path) -> Catalogue:
    """Read and validate the files of a catalogue; what they say is joined, table by table.

    Raises:
        GptreproError: a file is missing, does not follow the schema, or repeats a name of another.
    """
    tables: dict[str, dict[str, Any]] = {}
    for path in sorted(folder.glob("*.yml")):
        for name, rows in _read_tables(path).items():
            table = tables.setdefault(name, {})
            if twice := table.keys() & rows.keys():
                raise GptreproError(
                    f"The lists of data sources in {folder} name {', '.join(sorted(twice))} twice: keep one."
                )
            table.update(rows)
    if not tables:
        raise GptreproError(
            f"There are no lists of data sources in {folder}: restore them from the repository."
        )
    try:
        return Catalogue.model_validate(tables)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        lacking = first["type"] in ("missing", "string_too_short")
        what = f"{place} is missing, fill it in" if lacking else f"{place}: {first['msg']}".removeprefix(": ")
        raise GptreproError(f"The lists of data sources in {folder} are not valid: {what}.") from error


@functools.cache
def catalogue() -> Catalogue:
    """The project's catalogue, read once."""
    return read_catalogue(storage.data_folder() / "sources")
