"""Running experiments: what is left of their seeds, in resumable units, one record a finished seed."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import torch

from gptrepro import scales, storage
from gptrepro.errors import GptreproError
from gptrepro.experiments.base import Experiment, find_experiment
from gptrepro.parallel import threads
from gptrepro.results import store
from gptrepro.results.campaign import campaign
from gptrepro.results.pieces import Report, pieces_of
from gptrepro.results.record import Record
from gptrepro.results.store import SeedRun
from gptrepro.scales import Scale
from gptrepro.sources.corpora import load_corpus


@dataclass(frozen=True)
class SeedState:
    """How far one seed has come."""

    experiment: str
    scale: Scale
    seed: int
    state: Literal["finished", "started", "not started"]


def progress_of(experiment: Experiment[Any], scale: Scale) -> list[SeedState]:
    """How far each report seed of an experiment has come at ``scale``."""
    runs = [SeedRun(experiment, scale, seed) for seed in experiment.seeds[scale]]
    return [SeedState(experiment.name, scale, run.seed, _state(run)) for run in runs]


def _state(run: SeedRun) -> Literal["finished", "started", "not started"]:
    if run.record is not None:
        return "finished"
    return "started" if run.folder.exists() else "not started"


def run_experiments(
    experiments: Sequence[Experiment[Any]],
    scale: Scale,
    *,
    seeds: Iterable[int] | None = None,
    again: bool = False,
    seconds: float | None = None,
    jobs: int = 1,
    device: str = "auto",
    compiled: bool | None = None,
    report: Report = print,
) -> bool:
    """Run the seeds that have not finished, and say whether all of them now have.

    A piece that fails leaves the others to go on; what has finished is a record, whatever happens after it.

    Args:
        experiments: what to run, in this order; what they build on runs before them.
        scale: at which scale.
        seeds: each experiment's report seeds unless given (pilot seeds are never published).
        again: discard finished records and saved states of these seeds first.
        seconds: stop, with everything saved, after about this long; a unit ends after 45 minutes at most
            and the next one goes on from its saved state.
        jobs: processes side by side. With several, arms and tasks of a seed are pieces of their own.
        device: where to train; with ``compiled`` it changes speed and no setting.
        compiled: whether to compile the models; a GPU does when None.
        report: called with one line per step.

    Raises:
        GptreproError: a data set cannot be had (nothing was trained then), another process runs a seed, or a
            piece failed; the message names each.
    """
    torch.set_num_threads(threads())
    began = time.monotonic()
    chosen = {
        each.name: list(seeds) if seeds is not None else list(each.seeds[scale]) for each in experiments
    }
    for experiment in experiments:
        fetch_data(experiment, scale, seeds=chosen[experiment.name], again=again)
    refusal = store.unpublishable(store.code_state())
    if scale.publishable and refusal:
        report(f"Nothing that runs now can be published. {refusal}.")
    runs = [SeedRun(each, scale, seed) for each in experiments for seed in chosen[each.name]]
    for run in runs:
        if again:
            with run.held():
                storage.remove_folder(run.folder)
        if run.record is not None:
            report(f"{run}: already finished")
    left = math.inf if seconds is None else seconds - (time.monotonic() - began)
    return campaign(pieces_of(runs, apart=jobs > 1), left, jobs, device, compiled, report)


def run_experiment(experiment: Experiment[Any], scale: Scale, **options: Any) -> bool:
    """Run one experiment; see `run_experiments`."""
    return run_experiments([experiment], scale, **options)


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
