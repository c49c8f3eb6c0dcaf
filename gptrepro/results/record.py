"""The record: what a run measured, as JSON that a schema validates."""

from __future__ import annotations

import os
import platform
import statistics
from collections.abc import Collection
from importlib import metadata
from pathlib import Path
from typing import Annotated, Any, Literal

import torch
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from gptrepro import scales, storage
from gptrepro.errors import GptreproError
from gptrepro.scales import Scale

SCHEMA = 1
"""Version of the layout below."""

MAX_PUBLISHED_BYTES = 64 * 1024
"""The most that a published record may weigh."""

Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Finite = Annotated[float, Field(allow_inf_nan=False)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


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
            threads=scales.threads(),
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
    names = ("torch", "numpy", "tokenizers", "ftfy", "spacy", "gptrepro")
    return {"python": platform.python_version()} | {name: metadata.version(name) for name in names}


class DataUsed(_Strict):
    """A corpus that was read. The tier says where the bytes came from; it is outside the digest."""

    name: str
    split: str
    digest: Digest
    tier: Literal["mirror", "package", "origin", "hub"]


class Run(_Strict):
    """What one seed measured, and where, when and by which code."""

    seed: int
    metrics: dict[str, Finite]
    history: list[dict[str, Finite]] = Field(max_length=64)
    matrices: dict[str, list[list[Finite]]] = {}
    tokens: int
    flops: Finite
    wall_seconds: Finite
    hardware: Hardware
    versions: dict[str, str]
    commit: str
    """The commit that ran, with ``+changes`` appended if the work tree differed from it."""
    finished: str
    """Date of the end of the run, ISO 8601."""


class Record(_Strict):
    """All runs of one experiment at one scale under one digest."""

    layout: int = SCHEMA
    experiment: str
    version: int
    scale: Scale
    config: dict[str, Any]
    data: list[DataUsed]
    tokenizer: Digest
    digest: Digest
    runs: list[Run] = Field(min_length=1)

    @model_validator(mode="after")
    def _check(self) -> Record:
        if self.layout != SCHEMA:
            raise ValueError(f"layout {self.layout} is not {SCHEMA}")
        expected = digest_of(self.experiment, self.version, self.config, self.data, self.tokenizer)
        if self.digest != expected:
            raise ValueError("the digest does not fit the contents")
        seeds = [run.seed for run in self.runs]
        if seeds != sorted(set(seeds)):
            raise ValueError("seeds must be distinct and in order")
        return self

    @property
    def seeds(self) -> list[int]:
        """The seeds, ascending."""
        return [run.seed for run in self.runs]

    def metric(self, name: str) -> list[float]:
        """One metric over the runs, in the order of the seeds.

        Raises:
            GptreproError: the runs did not measure it.
        """
        missing = [run.seed for run in self.runs if name not in run.metrics]
        if missing:
            raise GptreproError(
                f"The record of {self.experiment} at {self.scale} has no metric '{name}': run "
                f"`gptrepro run {self.experiment} --scale {self.scale}` and publish it again."
            )
        return [run.metrics[name] for run in self.runs]

    def of_seeds(self, seeds: Collection[int]) -> Record:
        """The same record with the runs of some seeds only."""
        return self.model_copy(update={"runs": [run for run in self.runs if run.seed in seeds]})

    def mean(self, name: str) -> float:
        """The mean of one metric over the runs.

        Raises:
            GptreproError: the runs did not measure it.
        """
        return statistics.fmean(self.metric(name))


def digest_of(
    experiment: str, version: int, config: dict[str, Any], data: list[DataUsed], tokenizer: str
) -> str:
    """SHA-256 of what determines a measurement: never of source text, hardware or thread count."""
    return storage.sha256_text(
        storage.canonical_json(
            {
                "experiment": experiment,
                "version": version,
                "config": config,
                "data": [[used.name, used.split, used.digest] for used in data],
                "tokenizer": tokenizer,
            }
        )
    )


def read_record(path: Path) -> Record:
    """Read and validate one record.

    Raises:
        GptreproError: the file is missing, damaged, edited by hand, or of another layout.
    """
    try:
        return Record.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        raise GptreproError(f"There is no record at {path}.") from None
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the whole file"
        raise GptreproError(
            f"The record {path} cannot be trusted ({where}: {first['msg']}): restore it from version "
            "control or publish it again."
        ) from error
