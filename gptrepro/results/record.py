"""The record: what a run measured, as JSON that a schema validates.

A run holds rows: values with coordinates (`gptrepro.experiments.base.Row`). Rules and pages select them by
coordinate and compute averages, margins and slopes themselves.
"""

from __future__ import annotations

import base64
import binascii
import json
import math
import os
import platform
import statistics
from collections.abc import Collection, Mapping
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StrictBool,
    StrictFloat,
    StrictInt,
    StrictStr,
    ValidationInfo,
    model_validator,
)

from gptrepro import parallel, storage
from gptrepro.errors import GptreproError
from gptrepro.experiments.base import HISTORY_POINTS, Coordinate, Outcomes, Row
from gptrepro.results.selection import in_words, matching
from gptrepro.scales import Scale
from gptrepro.sources.catalogue import Tier

if TYPE_CHECKING:
    import pandas as pd

LAYOUT = 2
"""Version of the layout below; `tools/convert_records.py` converts records of layout 1."""

MAX_PUBLISHED_BYTES = 512 * 1024
"""The most that a published record may weigh: some 5,000 rows, at a line each."""

NOT_RECORDED = "not recorded"
"""What a record of layout 1 says of what it did not keep."""

Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Finite = Annotated[float, Field(allow_inf_nan=False)]


def _checked_row(row: Row) -> Row:
    value, score = row.get("value"), row.get("score")
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError("a row needs a number as its value")
    if not isinstance(score, str) or not score:
        raise ValueError("a row needs a score: the name of what its value is")
    if any(isinstance(each, float) and not math.isfinite(each) for each in row.values()):
        raise ValueError("a row holds a number that is not finite")
    return row


MeasuredRow = Annotated[
    dict[str, StrictStr | StrictBool | StrictInt | StrictFloat], AfterValidator(_checked_row)
]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class Hardware(_Strict):
    """Where a run took place; outside the digest."""

    processor: str
    cores: int
    threads: int
    """Threads that the run was allowed."""
    accelerator: str | None

    @classmethod
    def here(cls) -> Hardware:
        """This machine."""
        return cls(
            processor=_processor_name(),
            cores=os.cpu_count() or 1,
            threads=parallel.threads(),
            accelerator=torch.cuda.get_device_name() if torch.cuda.is_available() else None,
        )


def _processor_name() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def library_versions() -> dict[str, str]:
    """Versions of Python and of the libraries that can move a measurement."""
    installed = {each.metadata["Name"].lower(): each.version for each in metadata.distributions()}
    names = ("torch", "numpy", "tokenizers", "ftfy", "spacy", "gptrepro")
    return {"python": platform.python_version()} | {
        name: installed[name] for name in names if name in installed
    }


class DataUsed(_Strict):
    """A corpus that was read. The tier says where the bytes came from; it is outside the digest."""

    name: str
    split: str
    digest: Digest
    tier: Tier


class PackedOutcomes(_Strict):
    """What each item of a scored set gave: a bit an item, or a float16."""

    coordinates: dict[str, StrictStr | StrictBool | StrictInt | StrictFloat]
    """Those of the row whose value is the mean of the items."""
    items: int
    kind: Literal["bit", "float16"]
    packed: str
    """Base64 of the bits (most significant first) or of the little-endian float16s."""

    @classmethod
    def pack(cls, outcomes: Outcomes) -> PackedOutcomes:
        """Pack right-or-wrong outcomes as bits, all others as float16."""
        values = np.asarray(outcomes.values)
        is_bit = values.dtype == np.bool_
        packed = np.packbits(values) if is_bit else values.astype("<f2")
        return cls(
            coordinates=outcomes.coordinates,
            items=len(values),
            kind="bit" if is_bit else "float16",
            packed=base64.b64encode(packed.tobytes()).decode(),
        )

    def values(self) -> NDArray[np.float64]:
        """The outcomes, in the order of the items: (items,)."""
        raw = base64.b64decode(self.packed, validate=True)
        if self.kind == "bit":
            return np.unpackbits(np.frombuffer(raw, np.uint8), count=self.items).astype(np.float64)
        return np.frombuffer(raw, "<f2").astype(np.float64)

    @model_validator(mode="after")
    def _check(self) -> PackedOutcomes:
        try:
            size = len(base64.b64decode(self.packed, validate=True))
        except binascii.Error:
            raise ValueError("the outcomes are not base64") from None
        if size != (math.ceil(self.items / 8) if self.kind == "bit" else 2 * self.items):
            raise ValueError(f"the outcomes are not those of {self.items} items")
        return self


class WrittenText(_Strict):
    """What a model of the run wrote, and how it was drawn (`gptrepro.generation.writing.write`)."""

    coordinates: dict[str, StrictStr | StrictBool | StrictInt | StrictFloat]
    """Those that tell the model from others of the run."""
    prompt: str
    text: str
    """What followed the prompt."""
    seed: int
    temperature: Finite
    top_k: int


class Run(_Strict):
    """What one seed measured, and where, when and by which code."""

    seed: int | None
    """None where nothing is drawn: released weights have items and no seeds."""
    rows: list[MeasuredRow] = Field(min_length=1)
    outcomes: list[PackedOutcomes] = []
    history: list[dict[str, Finite]] = Field(max_length=HISTORY_POINTS)
    matrices: dict[str, list[list[Finite]]] = {}
    written: list[WrittenText] = Field(default=[], exclude_if=lambda written: not written)
    """What its models wrote; left out of the file where nothing was asked for."""
    tokens: int
    flops: Finite
    precision: str
    """The number format of the matrix products: ``fp32`` or ``bf16``."""
    wall_seconds: Finite
    hardware: Hardware
    versions: dict[str, str]
    commits: list[str] = Field(min_length=1)
    """The code at the start of each unit of work (`store.code_state`), each state once."""
    finished: str
    """Date of the end of the run, ISO 8601."""
    rules: dict[str, Digest] | None = Field(default=None, exclude_if=lambda rules: rules is None)
    """When the run began, the hash of each rule that was to judge it, by claim
    (`gptrepro.results.preregistration`); None, and left out of the file, where it was not recorded."""

    @model_validator(mode="after")
    def _distinct(self) -> Run:
        seen = set()
        for row in self.rows:
            place = frozenset((name, value) for name, value in row.items() if name != "value")
            if place in seen:
                raise ValueError(f"two rows of a run share all coordinates: {dict(place)}")
            seen.add(place)
        return self


_SEALING = "the contents are about to be digested"


class Record(_Strict):
    """All runs of one experiment at one scale under the same settings."""

    layout: int = LAYOUT
    experiment: str
    version: int
    scale: Scale
    replicated_over: Literal["seed", "item", "both"]
    """What varies between repetitions, and enters intervals."""
    config: dict[str, Any]
    """Every setting, defaults included."""
    data: list[DataUsed]
    tokenizer: Digest
    digest: Digest
    """Of what determines the measurement (`digest_of`)."""
    runs: list[Run] = Field(min_length=1)
    contents: Digest
    """Of all else in this record: a number that was edited by hand does not fit it."""

    @model_validator(mode="before")
    @classmethod
    def _layout(cls, fields: Any) -> Any:
        if isinstance(fields, dict) and fields.get("layout", LAYOUT) != LAYOUT:
            raise ValueError(f"layout {fields['layout']} is not {LAYOUT}")
        return fields

    @model_validator(mode="after")
    def _check(self, info: ValidationInfo) -> Record:
        if info.context is not _SEALING and self.contents != contents_of(self.model_dump(mode="json")):
            raise ValueError("the contents do not fit their digest: something was changed by hand")
        seeds = self.seeds
        if self.replicated_over == "item":
            if seeds:
                raise ValueError("a record whose items alone vary has no seeds")
        elif len(seeds) != len(self.runs) or seeds != sorted(set(seeds)):
            raise ValueError("seeds must be distinct and in order")
        return self

    @classmethod
    def sealed(cls, **fields: Any) -> Record:
        """A record of these fields, with the digest over them."""
        open_ = cls.model_validate(fields | {"contents": "0" * 64}, context=_SEALING)
        return open_.model_copy(update={"contents": contents_of(open_.model_dump(mode="json"))})

    @property
    def seeds(self) -> list[int]:
        """The seeds, ascending."""
        return [run.seed for run in self.runs if run.seed is not None]

    def table(self) -> pd.DataFrame:
        """Every row of every run: columns ``seed``, ``value``, ``score`` and one for each coordinate.

        A row that lacks a coordinate has no value there.
        """
        import pandas as pd  # of the extra judge

        return pd.DataFrame([{"seed": run.seed} | row for run in self.runs for row in run.rows])

    def select(self, **where: Any) -> pd.DataFrame:
        """The lines of the table at these coordinates (`gptrepro.results.selection`).

        Raises:
            GptreproError: there is none.
        """
        found = matching(self.table(), where)
        if found.empty:
            raise GptreproError(
                f"The record of {self.experiment} at {self.scale} has no row with {in_words(where)}: choose "
                f"other coordinates, or run `gptrepro run {self.experiment} --scale {self.scale}` and "
                "publish it again."
            )
        return found

    def values(self, **where: Any) -> list[float]:
        """The one value of each run at these coordinates, in the order of the runs.

        Raises:
            GptreproError: a run has none or several.
        """
        found = self.select(**where)
        if len(found) != len(self.runs) or (self.seeds and found["seed"].nunique() != len(self.runs)):
            raise GptreproError(
                f"The record of {self.experiment} at {self.scale} has {len(found)} rows with "
                f"{in_words(where)} in {len(self.runs)} runs: name the coordinates that single out one a run."
            )
        return [float(value) for value in found["value"]]

    def mean(self, **where: Any) -> float:
        """The mean over the runs of the value at these coordinates.

        Raises:
            GptreproError: a run has none or several.
        """
        return statistics.fmean(self.values(**where))

    def of_seeds(self, seeds: Collection[int]) -> Record:
        """The same record with the runs of some seeds only."""
        return self.model_copy(update={"runs": [run for run in self.runs if run.seed in seeds]})

    def outcomes(self, **coordinates: Coordinate) -> NDArray[np.float64]:
        """What each item gave, of the row with exactly these coordinates: (runs, items).

        Raises:
            GptreproError: a run has kept none, or another number of items.
        """
        found = [
            each.values() for run in self.runs for each in run.outcomes if each.coordinates == coordinates
        ]
        if len(found) != len(self.runs) or len({len(each) for each in found}) != 1:
            raise GptreproError(
                f"The record of {self.experiment} at {self.scale} has no outcomes by item for every run with "
                f"{in_words(coordinates)}: run `gptrepro run {self.experiment} --scale {self.scale} --again`."
            )
        return np.stack(found)


def digest_of(
    experiment: str, version: int, settings: Mapping[str, Any], data: list[DataUsed], tokenizer: str
) -> str:
    """SHA-256 of what determines a measurement: never of source text, hardware or thread count.

    ``settings`` is the configuration without its defaults, so that a field that is added later, with the
    default that keeps things as they were, changes nothing.
    """
    return storage.sha256_text(
        storage.canonical_json(
            {
                "experiment": experiment,
                "version": version,
                "config": settings,
                "data": [[used.name, used.split, used.digest] for used in data],
                "tokenizer": tokenizer,
            }
        )
    )


def contents_of(fields: Mapping[str, Any]) -> str:
    """SHA-256 of a record's JSON fields, all but ``contents`` itself."""
    return storage.sha256_text(
        storage.canonical_json({name: value for name, value in fields.items() if name != "contents"})
    )


def as_text(record: Record) -> str:
    """A record as JSON, with a row, and whatever else holds plain values alone, on one line."""
    return laid_out(record.model_dump(mode="json")) + "\n"


def laid_out(value: Any, indent: str = "") -> str:
    """A JSON value over lines, each part that holds plain values alone on one of its own."""
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    if not any(isinstance(part, dict | list) for part in parts):
        return json.dumps(value, ensure_ascii=False, allow_nan=False)
    inner = indent + " "
    if isinstance(value, dict):
        lines = [f"{json.dumps(k, ensure_ascii=False)}: {laid_out(v, inner)}" for k, v in value.items()]
    else:
        lines = [laid_out(part, inner) for part in value]
    body = f",\n{inner}".join(lines)
    opening, closing = ("{", "}") if isinstance(value, dict) else ("[", "]")
    return f"{opening}\n{inner}{body}\n{indent}{closing}"


def read_record(path: Path) -> Record:
    """Read and validate one record.

    Raises:
        GptreproError: the file is missing, damaged, edited by hand, or of another layout.
    """
    if not path.exists():
        raise GptreproError(f"There is no record at {path}.")
    return storage.read_json(
        path, Record, "record to be trusted", "restore it from version control or publish it again"
    )
