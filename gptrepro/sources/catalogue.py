"""The catalogue of texts and labelled rows, ``data/sources.yml``, as validated objects."""

from __future__ import annotations

import difflib
import functools
from pathlib import Path
from typing import Annotated, Literal, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from gptrepro import storage
from gptrepro.errors import GptreproError
from gptrepro.sources.cleaning import Style
from gptrepro.sources.rows import Form

Tier = Literal["mirror", "package", "origin", "hub"]
Value = TypeVar("Value")
Filled = Annotated[str, Field(min_length=1)]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class _Entry(BaseModel):
    """A row of the catalogue: immutable, and a misspelt key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class PackageFile(_Entry):
    """One archive on the Python index that ships data: read as an archive, never installed."""

    version: str
    file: str  # the archive's file name, which also tells its kind (.tar.gz or .whl)
    sha256: Sha256
    bytes: int
    licence: Filled


class PackageSource(_Entry):
    """Where a file lies inside a package; ``{name}`` in ``path`` is the file's name."""

    name: str
    path: str


class OriginSource(_Entry):
    """A public repository at a pinned commit; ``{name}`` in ``path`` is the file's name.

    ``form`` says how labelled rows are written there, where that is not in the lines that the sha256 is of.
    """

    repository: str
    commit: Annotated[str, Field(pattern=r"^[0-9a-f]{40}$")]
    path: str
    form: Form | None = None


class HubSource(_Entry):
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


class Part(_Entry):
    """Files that share their tiers: a pattern for each tier, and each file's pinned sha256."""

    mirror: str | None = None
    package: PackageSource | None = None
    origin: OriginSource | None = None
    files: dict[str, Sha256]

    def tiers(self) -> set[Tier]:
        """The tiers that this part names."""
        named: dict[Tier, object] = {"mirror": self.mirror, "package": self.package, "origin": self.origin}
        return {tier for tier, source in named.items() if source is not None}


class Split(_Entry):
    """One split of a corpus: pinned files, a hub data set, or both.

    ``bytes`` is the size of the text as published, uncompressed and before cleaning.
    """

    bytes: int
    parts: tuple[Part, ...] = ()
    hub: HubSource | None = None

    @model_validator(mode="after")
    def _has_a_source(self) -> Split:
        if not self.parts and self.hub is None:
            raise ValueError("a split needs parts or a hub data set")
        if not self.tiers():
            raise ValueError("a split needs one tier that all its parts name: mirror, package or origin")
        return self

    def tiers(self) -> tuple[Tier, ...]:
        """The tiers that can serve every file of the split, in the order in which they are tried."""
        files = shared_tiers(self.parts)
        return (*files, "hub") if self.hub else files


def shared_tiers(parts: tuple[Part, ...]) -> tuple[Tier, ...]:
    """The tiers that all parts name, in the order in which they are tried."""
    shared = set.intersection(*(part.tiers() for part in parts)) if parts else set()
    order: tuple[Tier, ...] = ("mirror", "package", "origin")
    return tuple(tier for tier in order if tier in shared)


class CorpusEntry(_Entry):
    """One named corpus: its own splits, or the ``members`` that it joins.

    ``format`` says what a document is: a whole file (``text``), the ``text`` field of a JSON line
    (``jsonl``), a line (``lines``) or a labelled row (``rows``), which is a JSON line with all its fields
    (`gptrepro.tasks.labelled` reads them). ``style`` names the cleaning (``gptrepro.sources.cleaning``).
    """

    title: Filled
    licence: Filled
    paper: Filled
    format: Literal["text", "jsonl", "lines", "rows"]
    style: Style
    splits: dict[str, Split] = {}
    members: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _rows_have_columns(self) -> CorpusEntry:
        sources = [split.hub for split in self.splits.values() if split.hub]
        if any(isinstance(source.column, dict) != (self.format == "rows") for source in sources):
            raise ValueError("column is a mapping for the format rows, and one name for every other")
        return self


class AssetEntry(_Entry):
    """Named files that are not running text, such as a published vocabulary."""

    title: Filled
    licence: Filled
    paper: Filled
    bytes: int
    parts: tuple[Part, ...]


class Catalogue(_Entry):
    """All of ``data/sources.yml``."""

    origin_url: str  # with {repository}, {commit} and {path}
    packages: dict[str, PackageFile]
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
        parts = [part for asset in self.assets.values() for part in asset.parts]
        parts += [
            part
            for corpus in self.corpora.values()
            for split in corpus.splits.values()
            for part in split.parts
        ]
        unknown = {part.package.name for part in parts if part.package} - self.packages.keys()
        if unknown:
            raise ValueError(f"there is no package {', '.join(sorted(unknown))}")
        return self

    def corpus(self, name: str) -> CorpusEntry:
        """The entry of a corpus; an unknown name is one sentence with the closest matches."""
        return _look_up(self.corpora, name, "text", "`gptrepro data list` shows them all")

    def splits(self, name: str) -> dict[str, Split]:
        """The splits of a corpus; those of a joined corpus are the members' splits joined."""
        entry = self.corpus(name)
        if not entry.members:
            return entry.splits
        members = [self.corpora[member].splits for member in entry.members]
        shared = [split for split in members[0] if all(split in splits for splits in members)]
        return {split: _joined([splits[split] for splits in members]) for split in shared}

    def split(self, name: str, split: str) -> Split:
        """The entry of one split of a corpus."""
        splits = self.splits(name)
        return _look_up(splits, split, f"split of {name}", f"it has {', '.join(splits)}")

    def asset(self, name: str) -> AssetEntry:
        """The entry of named files that are not running text."""
        return _look_up(self.assets, name, "set of files", f"there are {', '.join(self.assets)}")


def _joined(splits: list[Split]) -> Split:
    return Split(
        bytes=sum(split.bytes for split in splits),
        parts=tuple(part for split in splits for part in split.parts),
    )


def _look_up(table: dict[str, Value], name: str, what: str, otherwise: str) -> Value:
    if name in table:
        return table[name]
    matches = difflib.get_close_matches(name, table, n=3, cutoff=0.5)
    hint = f"did you mean {' or '.join(matches)}?" if matches else f"{otherwise}."
    raise GptreproError(f"There is no {what} called {name!r}: {hint}")


def read_catalogue(path: Path) -> Catalogue:
    """Read and validate a catalogue file.

    Raises:
        GptreproError: the file is missing or does not follow the schema.
    """
    try:
        return Catalogue.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise GptreproError(
            f"The list of data sources {path} cannot be read ({error.strerror}): "
            "restore it from the repository."
        ) from error
    except yaml.YAMLError as error:
        reason = " ".join(str(error).split())
        raise GptreproError(f"The list of data sources {path} is not valid YAML: {reason}") from error
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        lacking = first["type"] in ("missing", "string_too_short")
        what = f"{place} is missing, fill it in" if lacking else f"{place}: {first['msg']}".removeprefix(": ")
        raise GptreproError(f"The list of data sources {path} is not valid: {what}.") from error


@functools.cache
def catalogue() -> Catalogue:
    """The project's catalogue, read once."""
    return read_catalogue(storage.project_root() / "data" / "sources.yml")
