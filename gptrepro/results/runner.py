"""Running experiments: seed by seed, in resumable units, one record a finished seed."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

import torch

from gptrepro import scales, storage
from gptrepro.errors import GptreproError
from gptrepro.experiments.base import UNIT_SECONDS, Experiment, Unit, UnitOver, find_experiment
from gptrepro.results import store
from gptrepro.results.record import DataUsed, Hardware, Record, Run, digest_of, library_versions
from gptrepro.scales import Scale
from gptrepro.sources.corpora import load_corpus

RunPolicy = Literal["never", "missing", "always"]
"""When a notebook runs an experiment: never, where no record exists, or always."""

Report = Callable[[str], None]


@dataclass(frozen=True)
class SeedState:
    """How far one seed has come."""

    experiment: str
    scale: Scale
    seed: int
    state: Literal["finished", "started", "not started"]


def progress_of(experiment: Experiment[Any], scale: Scale) -> list[SeedState]:
    """How far each report seed of an experiment has come at ``scale``."""
    return [
        SeedState(experiment.name, scale, seed, _state(experiment, scale, seed))
        for seed in experiment.seeds[scale]
    ]


def _state(
    experiment: Experiment[Any], scale: Scale, seed: int
) -> Literal["finished", "started", "not started"]:
    if store.seed_record_path(experiment, scale, seed).exists():
        return "finished"
    return "started" if store.seed_folder(experiment, scale, seed).exists() else "not started"


def run_experiment(
    experiment: Experiment[Any],
    scale: Scale,
    *,
    seeds: Iterable[int] | None = None,
    again: bool = False,
    seconds: float | None = None,
    report: Report = print,
) -> bool:
    """Run the seeds that have not finished, and say whether all of them now have.

    Args:
        experiment: what to run.
        scale: at which scale.
        seeds: the experiment's report seeds unless given (pilot seeds are never published).
        again: discard finished records and saved states of these seeds first.
        seconds: stop, with everything saved, after about this long; a unit ends after 45 minutes at most
            and the next one goes on from its saved state.
        report: called with one line per step.

    Raises:
        GptreproError: a data set cannot be had; nothing was trained then.
    """
    torch.set_num_threads(scales.threads())
    chosen = list(seeds) if seeds is not None else list(experiment.seeds[scale])
    fetch_data(experiment, scale, seeds=chosen, again=again)
    end = time.monotonic() + seconds if seconds is not None else float("inf")
    for seed in chosen:
        folder = store.seed_folder(experiment, scale, seed)
        if again:
            storage.remove_folder(folder)
        if (folder / "record.json").exists():
            report(f"{experiment.name} {scale} seed {seed}: already finished")
            continue
        for source, its_seed in experiment.builds_on(seed).items():
            left = end - time.monotonic() if seconds is not None else None
            builds_on = find_experiment(source)
            if not run_experiment(builds_on, scale, seeds=[its_seed], seconds=left, report=report):
                return False
        while time.monotonic() < end:
            report(f"{experiment.name} {scale} seed {seed}: running")
            if _run_unit(experiment, scale, seed, min(end, time.monotonic() + UNIT_SECONDS), report):
                break
        else:
            report(f"{experiment.name} {scale} seed {seed}: time is up; the same command goes on from here")
            return False
    return True


def fetch_data(
    experiment: Experiment[Any], scale: Scale, *, seeds: Iterable[int] | None = None, again: bool = False
) -> None:
    """Fetch what the unfinished seeds read, and what those read that they build on.

    A run calls this first: what is missing should not show only after hours of pre-training.

    Raises:
        GptreproError: no tier can serve a data set.
    """
    left = [
        seed
        for seed in (experiment.seeds[scale] if seeds is None else seeds)
        if again or not store.seed_record_path(experiment, scale, seed).exists()
    ]
    if left:
        for corpus in experiment.corpora(experiment.config(scale)):
            load_corpus(corpus.name, split=corpus.split)
    for source, its_seed in sorted({pair for seed in left for pair in experiment.builds_on(seed).items()}):
        fetch_data(find_experiment(source), scale, seeds=[its_seed])


def _run_unit(experiment: Experiment[Any], scale: Scale, seed: int, deadline: float, report: Report) -> bool:
    """One unit of one seed; True once the seed has finished and its record is written."""
    folder = store.seed_folder(experiment, scale, seed)
    folder.mkdir(parents=True, exist_ok=True)
    sources = {
        source: store.seed_folder(find_experiment(source), scale, its_seed)
        for source, its_seed in experiment.builds_on(seed).items()
    }
    unit = Unit(seed, folder, storage.home() / "prepared", sources, deadline)
    clock = folder / "wall.json"
    earlier = json.loads(clock.read_text())["seconds"] if clock.exists() else 0.0
    config = experiment.config(scale)
    texts = [load_corpus(corpus.name, split=corpus.split) for corpus in experiment.corpora(config)]
    began = time.monotonic()
    try:
        measured = experiment.measure(config, unit)
    except UnitOver:
        report(f"{experiment.name} {scale} seed {seed}: unit over, state saved")
        return False
    finally:  # what an interrupted or failed unit took counts, too: its results are kept
        wall = earlier + time.monotonic() - began
        storage.write_text(clock, json.dumps({"seconds": wall}))
    data = [DataUsed(name=t.name, split=t.split, digest=t.digest, tier=t.tier) for t in texts]
    settings = config.model_dump(mode="json")
    record = Record(
        experiment=experiment.name,
        version=experiment.version,
        scale=scale,
        config=settings,
        data=data,
        tokenizer=measured.tokenizer,
        digest=digest_of(experiment.name, experiment.version, settings, data, measured.tokenizer),
        runs=[
            Run(
                seed=seed,
                metrics=dict(measured.metrics),
                history=measured.history,
                matrices=dict(measured.matrices),
                tokens=measured.tokens,
                flops=measured.flops,
                wall_seconds=round(wall, 1),
                hardware=Hardware.here(),
                versions=library_versions(),
                commit=store.git_state(),
                finished=datetime.now(UTC).date().isoformat(),
            )
        ],
    )
    storage.write_text(folder / "record.json", record.model_dump_json(indent=1) + "\n")
    report(f"{experiment.name} {scale} seed {seed}: finished in {wall:.0f} s")
    return True


def obtain(name: str, *, scale: str, run: str = "never") -> Record | None:
    """The record that a notebook reports: the published one, or one run for it.

    Args:
        name: the experiment.
        scale: the scale to report. A local record counts where none is published.
        run: ``never`` returns None where no record exists; ``missing`` runs the experiment then;
            ``always`` runs it afresh.

    Raises:
        GptreproError: an unknown experiment, scale or policy, or a run that could not finish.
    """
    if run not in ("never", "missing", "always"):
        raise GptreproError(f"RUN must be never, missing or always, not '{run}'.")
    experiment, at = find_experiment(name), scales.parse_scale(scale)
    experiment.config(at)
    if run == "always":
        run_experiment(experiment, at, again=True)
        return store.local_record(experiment, at)
    record = store.published_record(name, at) or store.local_record(experiment, at)
    if record is None and run == "missing":
        run_experiment(experiment, at)
        record = store.local_record(experiment, at)
    return record
