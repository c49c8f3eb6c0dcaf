"""Running experiments: seed by seed, in resumable units, one record a finished seed."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import torch
from pydantic import BaseModel

from gptrepro import scales, storage
from gptrepro.errors import GptreproError
from gptrepro.experiments.base import UNIT_SECONDS, Experiment, Unit, UnitOver, find_experiment
from gptrepro.parallel import threads
from gptrepro.results import store
from gptrepro.results.preregistration import rules_on
from gptrepro.results.record import (
    DataUsed,
    Hardware,
    PackedOutcomes,
    Record,
    Run,
    as_text,
    digest_of,
    library_versions,
)
from gptrepro.results.store import SeedRun
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


class UnitsSoFar(BaseModel):
    """What the units of a seed took until now, on which code, and under which rules the first began."""

    seconds: float = 0.0
    commits: list[str] = []
    rules: dict[str, str] | None = None
    """What was to judge the seed when its first unit began; None if that did not keep it."""

    @classmethod
    def of(cls, run: SeedRun) -> UnitsSoFar:
        """Those that the folder of a seed tells of.

        Raises:
            GptreproError: the file is damaged; which code ran is then unknown.
        """
        path = cls.path(run)
        again = f"run `gptrepro run {run.experiment.name} --scale {run.scale} --again`"
        otherwise = f"nobody knows which code {run} began on, {again}"
        return storage.read_json(path, cls, "list of units", otherwise) if path.exists() else cls()

    @staticmethod
    def path(run: SeedRun) -> Path:
        """Where it is kept."""
        return run.folder / "units.json"

    def keep(self, run: SeedRun) -> None:
        """Write it into the folder of a seed."""
        storage.write_text(self.path(run), self.model_dump_json())


def progress_of(experiment: Experiment[Any], scale: Scale) -> list[SeedState]:
    """How far each report seed of an experiment has come at ``scale``."""
    runs = [SeedRun(experiment, scale, seed) for seed in experiment.seeds[scale]]
    return [SeedState(experiment.name, scale, run.seed, _state(run)) for run in runs]


def _state(run: SeedRun) -> Literal["finished", "started", "not started"]:
    if run.record is not None:
        return "finished"
    return "started" if run.folder.exists() else "not started"


def run_experiment(
    experiment: Experiment[Any],
    scale: Scale,
    *,
    seeds: Iterable[int] | None = None,
    again: bool = False,
    seconds: float | None = None,
    device: str = "auto",
    compiled: bool = False,
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
        device: where to train; with ``compiled`` it changes speed and no setting.
        compiled: whether to compile the models.
        report: called with one line per step.

    Raises:
        GptreproError: a data set cannot be had (nothing was trained then), or another process runs a seed.
    """
    torch.set_num_threads(threads())
    chosen = list(seeds) if seeds is not None else list(experiment.seeds[scale])
    fetch_data(experiment, scale, seeds=chosen, again=again)
    refusal = store.unpublishable(store.code_state())
    if scale.publishable and refusal:
        report(f"Nothing that runs now can be published. {refusal}.")
    end = time.monotonic() + seconds if seconds is not None else float("inf")
    for run in (SeedRun(experiment, scale, seed) for seed in chosen):
        with run.held():
            if again:
                storage.remove_folder(run.folder)
            if run.record is not None:
                report(f"{run}: already finished")
                continue
            for source in run.builds_on:
                left = end - time.monotonic() if seconds is not None else None
                if not run_experiment(
                    source.experiment,
                    scale,
                    seeds=[source.seed],
                    seconds=left,
                    device=device,
                    compiled=compiled,
                    report=report,
                ):
                    return False
            while time.monotonic() < end:
                report(f"{run}: running")
                deadline = min(end, time.monotonic() + UNIT_SECONDS)
                if _run_unit(run, deadline, device, compiled, report):
                    break
            else:
                report(f"{run}: time is up; the same command goes on from here")
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
    runs = [SeedRun(experiment, scale, s) for s in (experiment.seeds[scale] if seeds is None else seeds)]
    left = [run for run in runs if again or run.record is None]
    if left:
        for corpus in experiment.corpora(experiment.config(scale)):
            load_corpus(corpus.name, split=corpus.split)
    for name, seed in sorted({(each.experiment.name, each.seed) for run in left for each in run.builds_on}):
        fetch_data(find_experiment(name), scale, seeds=[seed])


def _run_unit(run: SeedRun, deadline: float, device: str, compiled: bool, report: Report) -> bool:
    """One unit of one seed; True once the seed has finished and its record is written."""
    experiment, folder = run.experiment, run.folder
    folder.mkdir(parents=True, exist_ok=True)
    sources = {source.experiment.name: source.folder for source in run.builds_on}
    unit = Unit(run.seed, folder, storage.home() / "prepared", sources, deadline, device, compiled)
    so_far = UnitsSoFar.of(run)
    rules = so_far.rules if so_far.commits else rules_on(experiment.name)
    commits = list(dict.fromkeys([*so_far.commits, store.code_state()]))
    so_far = UnitsSoFar(seconds=so_far.seconds, commits=commits, rules=rules)
    so_far.keep(run)
    config = experiment.config(run.scale)
    texts = [load_corpus(corpus.name, split=corpus.split) for corpus in experiment.corpora(config)]
    began = time.monotonic()
    try:
        measured = experiment.measure(config, unit)
    except UnitOver:
        report(f"{run}: unit over, state saved")
        return False
    finally:  # what an interrupted or failed unit took counts, too: its results are kept
        wall = so_far.seconds + time.monotonic() - began
        so_far.model_copy(update={"seconds": wall}).keep(run)
    settings = config.without_defaults()
    data = [DataUsed(name=t.name, split=t.split, digest=t.digest, tier=t.tier) for t in texts]
    record = Record.sealed(
        experiment=experiment.name,
        version=experiment.version,
        scale=run.scale,
        replicated_over=experiment.replicated_over,
        config=config.model_dump(mode="json"),
        data=data,
        tokenizer=measured.tokenizer,
        digest=digest_of(experiment.name, experiment.version, settings, data, measured.tokenizer),
        runs=[
            Run(
                seed=None if experiment.replicated_over == "item" else run.seed,
                rows=measured.rows,
                outcomes=[PackedOutcomes.pack(each) for each in measured.outcomes],
                history=measured.history,
                matrices=dict(measured.matrices),
                tokens=measured.tokens,
                flops=measured.flops,
                precision=measured.precision,
                wall_seconds=round(wall, 1),
                hardware=Hardware.here(),
                versions=library_versions(),
                commits=commits,
                finished=datetime.now(UTC).date().isoformat(),
                rules=rules,
            )
        ],
    )
    storage.write_text(run.record_path, as_text(record))
    report(f"{run}: finished in {wall:.0f} s")
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
