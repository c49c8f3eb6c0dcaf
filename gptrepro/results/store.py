"""Where records lie: one a seed under the home, one an experiment and scale in ``data/results``."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

from gptrepro import storage
from gptrepro.errors import GptreproError
from gptrepro.experiments.base import Experiment
from gptrepro.results.record import MAX_PUBLISHED_BYTES, Record, read_record
from gptrepro.scales import Scale, largest_first
from gptrepro.sources.corpora import corpus_digest

UNCOMMITTED = "+changes"
"""Marks a commit whose work tree differed from it."""


def published_path(experiment: str, scale: Scale) -> Path:
    """The file of a published record."""
    return storage.project_root() / "data" / "results" / scale / f"{experiment}.json"


def identity(experiment: Experiment[Any], scale: Scale) -> str:
    """What a run is, known before it starts: SHA-256 of name, version, configuration and data."""
    config = experiment.config(scale)
    return storage.sha256_text(
        storage.canonical_json(
            {
                "experiment": experiment.name,
                "version": experiment.version,
                "config": config.model_dump(mode="json"),
                "data": [
                    [corpus.name, corpus.split, corpus_digest(corpus.name, corpus.split)]
                    for corpus in experiment.corpora(config)
                ],
            }
        )
    )


def seed_folder(experiment: Experiment[Any], scale: Scale, seed: int) -> Path:
    """The folder of one seed's state and record, under the home."""
    return (
        storage.home() / "runs" / scale / experiment.name / identity(experiment, scale)[:16] / f"seed-{seed}"
    )


def seed_record_path(experiment: Experiment[Any], scale: Scale, seed: int) -> Path:
    """The file of one seed's record; it exists once the seed has finished."""
    return seed_folder(experiment, scale, seed) / "record.json"


def local_record(experiment: Experiment[Any], scale: Scale) -> Record | None:
    """The finished report seeds under the home as one record, or None where none has finished."""
    paths = [seed_record_path(experiment, scale, seed) for seed in experiment.seeds[scale]]
    return collate([read_record(path) for path in paths if path.exists()])


def collate(records: list[Record]) -> Record | None:
    """Records of single seeds as one.

    Raises:
        GptreproError: they are not of the same digest.
    """
    if not records:
        return None
    first = records[0]
    if any(record.digest != first.digest for record in records):
        raise GptreproError(
            f"The seeds of {first.experiment} at {first.scale} were run under different settings, data or "
            f"tokenizers: run `gptrepro run {first.experiment} --scale {first.scale} --again`."
        )
    runs = sorted((run for record in records for run in record.runs), key=lambda run: run.seed)
    return Record.model_validate(first.model_dump() | {"runs": [run.model_dump() for run in runs]})


def published_record(experiment: str, scale: Scale) -> Record | None:
    """The published record of an experiment at a scale, or None where there is none."""
    path = published_path(experiment, scale)
    return read_record(path) if path.exists() else None


def published_records(experiment: str) -> list[Record]:
    """The published records of an experiment, one a scale, the largest first."""
    records = (published_record(experiment, scale) for scale in largest_first())
    return [record for record in records if record is not None]


def stale_reason(record: Record, experiment: Experiment[Any]) -> str | None:
    """Why a record no longer fits the code and data of today, or None while it does."""
    if record.version != experiment.version:
        return f"measured by version {record.version} of the experiment, which is now {experiment.version}"
    if record.scale not in experiment.configs:
        return f"the experiment no longer runs at {record.scale}"
    config = experiment.config(record.scale)
    if record.config != config.model_dump(mode="json"):
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

    Seeds that are published already, under the same digest, need not have been run here.

    Raises:
        GptreproError: the scale is smoke, the work tree has changes, a seed is missing or ran on code
            that no commit holds, or the record is too large.
    """
    if not scale.publishable:
        raise GptreproError(
            f"A record of scale '{scale}' is for tests and cannot be published: run a larger scale."
        )
    if git_state().endswith(UNCOMMITTED):
        raise GptreproError(
            "The work tree has uncommitted changes: commit or stash them, since a published record must "
            "belong to a commit."
        )
    record = _with_published(local_record(experiment, scale), published_record(experiment.name, scale))
    seeds = experiment.seeds[scale]
    missing = [seed for seed in seeds if record is None or seed not in record.seeds]
    if record is None or missing:
        raise GptreproError(
            f"{experiment.name} at {scale} has not finished seeds {', '.join(map(str, missing))}: run "
            f"`gptrepro run {experiment.name} --scale {scale}` first."
        )
    dirty = [run.seed for run in record.runs if run.commit.endswith(UNCOMMITTED)]
    if dirty:
        raise GptreproError(
            f"Seeds {', '.join(map(str, dirty))} of {experiment.name} ran on uncommitted code: commit it and "
            f"run `gptrepro run {experiment.name} --scale {scale} --again`."
        )
    text = json.dumps(record.model_dump(mode="json"), indent=1, ensure_ascii=False) + "\n"
    if len(text.encode()) > MAX_PUBLISHED_BYTES:
        raise GptreproError(
            f"The record of {experiment.name} weighs {len(text.encode())} bytes, more than "
            f"{MAX_PUBLISHED_BYTES}: keep fewer metrics or history points."
        )
    path = published_path(experiment.name, scale)
    storage.write_text(path, text)
    return path


def _with_published(local: Record | None, published: Record | None) -> Record | None:
    """The local record with the published runs of the seeds that it lacks."""
    if local is None or published is None or published.digest != local.digest:
        return local
    return collate([local, published.of_seeds(set(published.seeds) - set(local.seeds))])


def git_state() -> str:
    """The commit of the work tree, with ``+changes`` where it differs, or ``unknown`` outside git."""
    try:
        commit = _git("rev-parse", "HEAD")
        changes = _git("status", "--porcelain", "--", ".", ":!data/results")  # records do not change code
        return commit + (UNCOMMITTED if changes else "")
    except (OSError, subprocess.CalledProcessError):
        return "unknown" + UNCOMMITTED


def _git(*arguments: str) -> str:
    return subprocess.run(
        ["git", *arguments], cwd=storage.project_root(), capture_output=True, text=True, check=True
    ).stdout.strip()
