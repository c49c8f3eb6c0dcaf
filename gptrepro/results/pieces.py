"""Pieces of work: a seed of an experiment, or a part of one, in units that stop when their time is up."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from pydantic import BaseModel

from gptrepro import storage
from gptrepro.experiments.base import UNIT_SECONDS, Config, Measurement, Unit, UnitOver
from gptrepro.results import store
from gptrepro.results.preregistration import rules_on
from gptrepro.results.record import (
    DataUsed,
    Hardware,
    PackedOutcomes,
    Record,
    Run,
    WrittenText,
    as_text,
    digest_of,
    library_versions,
)
from gptrepro.results.store import SeedRun
from gptrepro.sources.corpora import load_corpus

Report = Callable[[str], None]


@dataclass(frozen=True, eq=False)
class Piece:
    """What one process does by itself: a seed of an experiment, or a part of it (`Config.parts`)."""

    run: SeedRun
    part: str | None = None
    needs: tuple[Piece, ...] = ()
    """The pieces that must have finished before: what the seed builds on, and of a seed its parts."""

    def __str__(self) -> str:
        return str(self.run) + (f", {self.part}" if self.part else "")

    @property
    def config(self) -> Config:
        """The settings that it measures."""
        whole: Config = self.run.experiment.config(self.run.scale)
        return whole if self.part is None else whole.parts()[self.part]

    @property
    def folder(self) -> Path:
        """Where it keeps what its units took."""
        folder = self.run.folder
        return folder if self.part is None else folder / "parts" / self.part.replace(" ", "-")

    @property
    def finished(self) -> bool:
        """Whether nothing is left of it."""
        return self.run.record is not None or (self.part is not None and UnitsSoFar.of(self).finished)


class UnitsSoFar(BaseModel):
    """What the units of a piece took until now, on which code, and under which rules the first began."""

    seconds: float = 0.0
    commits: list[str] = []
    rules: dict[str, str] | None = None
    """What was to judge the seed when its first unit began; None if that did not keep it."""
    finished: bool = False
    """Of a part: whether all is measured that the whole will find again."""

    @classmethod
    def of(cls, piece: Piece) -> UnitsSoFar:
        """Those that the folder of a piece tells of.

        Raises:
            GptreproError: the file is damaged; which code ran is then unknown.
        """
        run = piece.run
        again = f"run `gptrepro run {run.experiment.name} --scale {run.scale} --again`"
        otherwise = f"nobody knows which code {run} began on, {again}"
        path = cls.path(piece)
        return storage.read_json(path, cls, "list of units", otherwise) if path.exists() else cls()

    @classmethod
    def of_parts(cls, run: SeedRun) -> UnitsSoFar:
        """Those of all parts of a seed together, as far as they ran."""
        parts = [cls.of(Piece(run, part)) for part in run.experiment.config(run.scale).parts()]
        ran = [part for part in parts if part.commits]
        rules = [part.rules for part in ran]
        return cls(
            seconds=sum(part.seconds for part in ran),
            commits=list(dict.fromkeys(commit for part in ran for commit in part.commits)),
            rules=rules[0] if rules and rules.count(rules[0]) == len(rules) else None,
        )

    @staticmethod
    def path(piece: Piece) -> Path:
        """Where it is kept."""
        return piece.folder / "units.json"

    def keep(self, piece: Piece) -> None:
        """Write it into the folder of a piece."""
        storage.write_text(self.path(piece), self.model_dump_json())


def pieces_of(runs: Iterable[SeedRun], *, apart: bool) -> list[Piece]:
    """What is left to do of some seeds and of those that they build on, each after what it needs.

    Args:
        runs: the seeds.
        apart: take the parts of a seed as pieces of their own, for several processes.
    """
    found: dict[str, tuple[Piece, ...]] = {}

    def add(run: SeedRun) -> tuple[Piece, ...]:
        """The last piece of a seed, or none where it has finished."""
        if str(run) not in found:
            first = tuple(piece for source in run.builds_on for piece in add(source))
            found[str(run)] = ()
            if run.record is None:
                parts = run.experiment.config(run.scale).parts() if apart else {}
                each = (Piece(run, part, first) for part in (parts if len(parts) > 1 else {}))
                left = tuple(piece for piece in each if not piece.finished)
                found[str(run)] = (Piece(run, None, first + left),)
                ordered.extend((*left, *found[str(run)]))
        return found[str(run)]

    ordered: list[Piece] = []
    for run in runs:
        add(run)
    return ordered


def perform(piece: Piece, seconds: float, device: str, compiled: bool | None, report: Report) -> bool:
    """Do a piece, unit by unit, for at most so many seconds; whether it has finished.

    The caller holds its seed (`SeedRun.held`).
    """
    end = time.monotonic() + seconds
    while (now := time.monotonic()) < end:
        report(f"{piece}: running")
        if _run_unit(piece, min(end, now + UNIT_SECONDS), device, compiled, report):
            return True
    report(f"{piece}: time is up; the same command goes on from here")
    return False


def _run_unit(piece: Piece, deadline: float, device: str, compiled: bool | None, report: Report) -> bool:
    """One unit of a piece; True once it has finished and, of a seed, the record is written."""
    run, experiment = piece.run, piece.run.experiment
    run.folder.mkdir(parents=True, exist_ok=True)
    sources = {source.experiment.name: source.folder for source in run.builds_on}
    unit = Unit(run.seed, run.folder, storage.home() / "prepared", sources, deadline, device, compiled)
    before = UnitsSoFar() if piece.part else UnitsSoFar.of_parts(run)
    so_far = UnitsSoFar.of(piece)
    begun = next((units for units in (before, so_far) if units.commits), None)
    commits = list(dict.fromkeys([*before.commits, *so_far.commits, store.code_state()]))
    rules = begun.rules if begun else rules_on(experiment.name)
    so_far = UnitsSoFar(seconds=so_far.seconds, commits=commits, rules=rules)
    so_far.keep(piece)
    config = piece.config
    texts = [load_corpus(corpus.name, split=corpus.split) for corpus in experiment.corpora(config)]
    data = [DataUsed(name=t.name, split=t.split, digest=t.digest, tier=t.tier) for t in texts]
    began, finished = time.monotonic(), False
    try:
        measured = experiment.measure(config, unit)
        finished = True
    except UnitOver:
        report(f"{piece}: unit over, state saved")
        return False
    finally:  # what an interrupted or failed unit took counts, too: its results are kept
        so_far.seconds += time.monotonic() - began
        so_far.finished = finished and piece.part is not None
        so_far.keep(piece)
    wall = before.seconds + so_far.seconds
    if piece.part is None:
        storage.write_text(run.record_path, as_text(_record(run, config, data, measured, so_far, wall)))
    report(f"{piece}: finished in {wall:.0f} s")
    return True


def _record(
    run: SeedRun, config: Config, data: list[DataUsed], measured: Measurement, units: UnitsSoFar, wall: float
) -> Record:
    """The record of a seed."""
    experiment, settings = run.experiment, config.without_defaults()
    return Record.sealed(
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
                written=[WrittenText(**asdict(each)) for each in measured.written],
                tokens=measured.tokens,
                flops=measured.flops,
                precision=measured.precision,
                wall_seconds=round(wall, 1),
                hardware=Hardware.here(),
                versions=library_versions(),
                commits=units.commits,
                finished=datetime.now(UTC).date().isoformat(),
                rules=units.rules,
            )
        ],
    )
