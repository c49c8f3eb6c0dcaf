"""Where records lie: one a seed under the home, one an experiment and scale in ``data/results``."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from gptrepro import storage
from gptrepro.errors import GptreproError
from gptrepro.experiments.base import Experiment, find_experiment
from gptrepro.results.record import MAX_PUBLISHED_BYTES, Record, as_text, read_record
from gptrepro.scales import Scale, largest_first
from gptrepro.sources.corpora import corpus_digest

UNCOMMITTED = "+changes"
"""Marks a commit whose work tree differed from it."""

PACKED = "packed.json"
"""In the folder of a packed run: what its code is (`PackedCode`)."""


def published_path(experiment: str, scale: Scale) -> Path:
    """The file of a published record."""
    return storage.data_folder() / "results" / scale / f"{experiment}.json"


@dataclass(frozen=True)
class SeedRun:
    """One seed of an experiment at a scale: its folder under the home, its lock and its record."""

    experiment: Experiment[Any]
    scale: Scale
    seed: int

    def __str__(self) -> str:
        return f"{self.experiment.name} {self.scale} seed {self.seed}"

    @property
    def drawn(self) -> list[int]:
        """The seeds that its record names: none where items alone replicate, for which nothing is drawn."""
        return [] if self.experiment.replicated_over == "item" else [self.seed]

    @property
    def identity(self) -> str:
        """What the run is, known before it starts: SHA-256 of name, version, settings and data."""
        config = self.experiment.config(self.scale)
        return storage.sha256_text(
            storage.canonical_json(
                {
                    "experiment": self.experiment.name,
                    "version": self.experiment.version,
                    "config": config.without_defaults(),
                    "data": [
                        [corpus.name, corpus.split, corpus_digest(corpus.name, corpus.split)]
                        for corpus in self.experiment.corpora(config)
                    ],
                }
            )
        )

    @property
    def folder(self) -> Path:
        """The folder of the seed's state and record."""
        runs = storage.home() / "runs" / self.scale / self.experiment.name
        return runs / self.identity[:16] / f"seed-{self.seed}"

    @property
    def record_path(self) -> Path:
        """The file of the seed's record, written when the seed has finished."""
        return self.folder / "record.json"

    @property
    def record(self) -> Record | None:
        """The record of the finished seed, or None: one that is damaged or another run's does not count."""
        return None if self.refusal(self.record_path) else read_record(self.record_path)

    def refusal(self, path: Path) -> str | None:
        """Why a file does not hold the record of this seed, or None if it does."""
        try:
            record = read_record(path)
        except GptreproError as error:
            return str(error).rstrip(".")
        fits = (record.experiment, record.scale, record.seeds) == (
            self.experiment.name,
            self.scale,
            self.drawn,
        )
        return stale_reason(record, self.experiment) if fits else "it is the record of another run"

    @property
    def builds_on(self) -> list[SeedRun]:
        """The finished seeds of other experiments whose weights it reads."""
        pairs = self.experiment.builds_on(self.seed).items()
        return [SeedRun(find_experiment(name), self.scale, seed) for name, seed in pairs]

    @contextmanager
    def held(self) -> Iterator[None]:
        """Keep other processes away from the seed until the block ends.

        Raises:
            GptreproError: another process runs it.
        """
        # Beside the folder, which `--again` removes.
        lock = self.folder.with_name(f"{self.folder.name}.lock")
        with storage.sole_holder(lock, f"Another process is running {self}: wait for it, or stop it first."):
            yield


def local_record(experiment: Experiment[Any], scale: Scale) -> Record | None:
    """The finished report seeds under the home as one record, or None where none has finished."""
    records = (SeedRun(experiment, scale, seed).record for seed in experiment.seeds[scale])
    return collate(experiment, [record for record in records if record is not None])


def collate(experiment: Experiment[Any], records: list[Record]) -> Record | None:
    """Records of single seeds as one.

    Raises:
        GptreproError: they were not made under the same settings, data and tokenizer.
    """
    if not records:
        return None
    first = records[0]
    if any(_measured(record, experiment) != _measured(first, experiment) for record in records):
        raise GptreproError(
            f"The seeds of {first.experiment} at {first.scale} were run under different settings, data or "
            f"tokenizers: run `gptrepro run {first.experiment} --scale {first.scale} --again`."
        )
    runs = sorted((run for record in records for run in record.runs), key=lambda run: run.seed or 0)
    fields = {name: getattr(first, name) for name in Record.model_fields if name != "contents"}
    return Record.sealed(**fields | {"runs": runs})


def _measured(record: Record, experiment: Experiment[Any]) -> object:
    """What determines the measurement, compared by value: a default that was added since changes nothing."""
    config = type(experiment.config(record.scale)).model_validate(record.config)
    data = [(used.name, used.split, used.digest) for used in record.data]
    return record.version, record.scale, config, data, record.tokenizer


def published_record(experiment: str, scale: Scale) -> Record | None:
    """The published record of an experiment at a scale, or None where there is none."""
    path = published_path(experiment, scale)
    return read_record(path) if path.exists() else None


def published_records(experiment: str) -> list[Record]:
    """The published records of an experiment, one a scale, the largest first."""
    records = (published_record(experiment, scale) for scale in largest_first())
    return [record for record in records if record is not None]


def stale_reason(record: Record, experiment: Experiment[Any]) -> str | None:
    """Why a record no longer fits the code and data of today, or None while it does.

    Settings are compared by value after validation: a field that was added since, with a default that keeps
    things as they were, makes no record stale.
    """
    if record.version != experiment.version:
        return f"measured by version {record.version} of the experiment, which is now {experiment.version}"
    if record.scale not in experiment.configs:
        return f"the experiment no longer runs at {record.scale}"
    config = experiment.config(record.scale)
    try:
        measured = type(config).model_validate(record.config)
    except ValidationError:
        return "measured under settings that the experiment no longer knows"
    if measured != config:
        return "measured under other settings than today's"
    today = [(corpus.name, corpus.split) for corpus in experiment.corpora(config)]
    if [(used.name, used.split) for used in record.data] != today or any(
        used.digest != corpus_digest(used.name, used.split, used.tier) for used in record.data
    ):
        return "measured on other data than today's"
    return None


def renewal(record: Record) -> str:
    """The command that renews a stale record."""
    what = f"{record.experiment} --scale {record.scale}"
    return f"gptrepro run {what} && gptrepro publish {what}"


def publish(experiment: Experiment[Any], scale: Scale) -> Path:
    """Collate the report seeds of an experiment into ``data/results`` and return the file.

    Seeds that are published already, under the same settings and data, need not have been run here.

    Raises:
        GptreproError: the scale is smoke, the work tree has changes, a seed is missing or ran on code
            that no commit holds, or the record is too large.
    """
    if not scale.publishable:
        raise GptreproError(
            f"A record of scale '{scale}' is for tests and cannot be published: run a larger scale."
        )
    if refusal := unpublishable(code_state()):
        raise GptreproError(f"{refusal}, since a published record must belong to a commit.")
    record = _with_published(experiment, local_record(experiment, scale), _trusted(experiment.name, scale))
    runs = [SeedRun(experiment, scale, seed) for seed in experiment.seeds[scale]]
    missing = [run.seed for run in runs if record is None or not set(run.drawn) <= set(record.seeds)]
    if record is None or missing:
        raise GptreproError(
            f"{experiment.name} at {scale} has not finished seeds {', '.join(map(str, missing))}: run "
            f"`gptrepro run {experiment.name} --scale {scale}` first."
        )
    dirty = [str(run.seed) for run in record.runs if any(map(unpublishable, run.commits))]
    if dirty:
        raise GptreproError(
            f"Seeds {', '.join(dirty)} of {experiment.name} ran on uncommitted code: commit it and "
            f"run `gptrepro run {experiment.name} --scale {scale} --again`."
        )
    text = as_text(record)
    if len(text.encode()) > MAX_PUBLISHED_BYTES:
        raise GptreproError(
            f"The record of {experiment.name} weighs {len(text.encode())} bytes, more than "
            f"{MAX_PUBLISHED_BYTES}: keep fewer rows, outcomes or history points."
        )
    path = published_path(experiment.name, scale)
    storage.write_text(path, text)
    return path


def _trusted(experiment: str, scale: Scale) -> Record | None:
    """The published record that seeds may join; a damaged one is what `publish` is there to replace."""
    try:
        return published_record(experiment, scale)
    except GptreproError:
        return None


def _with_published(
    experiment: Experiment[Any], local: Record | None, published: Record | None
) -> Record | None:
    """The local record with the published runs of the seeds that it lacks."""
    if local is None or published is None or stale_reason(published, experiment) is not None:
        return local
    return collate(experiment, [local, published.of_seeds(set(published.seeds) - set(local.seeds))])


class PackedCode(BaseModel):
    """Of code that was taken along without its repository: the commit, and the digest of every file."""

    commit: str
    files: dict[str, str]

    @staticmethod
    def digests(root: Path) -> dict[str, str]:
        """The SHA-256 of what can move a measurement, by its path from ``root``."""
        places = ("gptrepro/**/*.py", "data/claims/*", "data/sources/*")
        paths = sorted(path for place in places for path in root.glob(place) if path.is_file())
        return {path.relative_to(root).as_posix(): storage.sha256_file(path) for path in paths}


def code_state() -> str:
    """The commit of the work tree, with ``+changes`` where it differs, or why there is none."""
    packed = storage.project_root() / PACKED
    if packed.exists():
        code = storage.read_json(packed, PackedCode, "list of packed code", "pack the run again")
        as_packed = code.commit.endswith(UNCOMMITTED) or code.files == PackedCode.digests(packed.parent)
        return code.commit + ("" if as_packed else UNCOMMITTED)
    try:
        commit = _git("rev-parse", "HEAD")
        changes = _git("status", "--porcelain", "--", ".", ":!data/results")  # records do not change code
    except GptreproError:  # an installed package, wherever it lies
        return "no repository"
    except OSError:
        return "no git"
    except subprocess.CalledProcessError as error:
        return "refused by git" if "dubious ownership" in error.stderr else "no repository"
    return commit + (UNCOMMITTED if changes else "")


def unpublishable(state: str) -> str | None:
    """Why nothing that runs on this state of the code can be published, and what to do; None if it can."""
    if state.endswith(UNCOMMITTED):
        return "The work tree has uncommitted changes: commit or stash them"
    if re.fullmatch(r"[0-9a-f]{40}", state):
        return None
    return {
        "no git": "There is no git to tell the commit from: install git",
        "no repository": "The checkout is no git repository with a commit: clone it with git",
        "refused by git": "Git refuses to read a checkout of another owner: allow it with "
        "`git config --global --add safe.directory`",
    }.get(state, f"'{state}' is no commit: run again from a git checkout")


def _git(*arguments: str) -> str:
    return subprocess.run(
        ["git", *arguments], cwd=storage.project_root(), capture_output=True, text=True, check=True
    ).stdout.strip()
