"""Many pieces of work on one machine: side by side, each when what it needs is there, until time is up."""

from __future__ import annotations

import contextlib
import math
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack
from dataclasses import dataclass, field
from multiprocessing import connection
from typing import Any

import torch
from rich.progress import MofNCompleteColumn, TextColumn, TimeElapsedColumn

from gptrepro.errors import GptreproError
from gptrepro.experiments import find_experiment
from gptrepro.parallel import threads
from gptrepro.progress import Display, Task
from gptrepro.results.pieces import Piece, Report, perform
from gptrepro.results.store import SeedRun
from gptrepro.scales import Scale
from gptrepro.train.interrupt import StopRequest, stop_on_signals
from gptrepro.train.loop import Interrupted

GRACE_SECONDS = 60.0
"""What a process may take to save its state when time is up; then it is ended, and its piece goes on from the
last checkpoint."""

LOG = "log.txt"
"""In the folder of a piece: what it would have shown on a terminal."""


def campaign(
    pieces: Sequence[Piece], seconds: float, jobs: int, device: str, compiled: bool | None, report: Report
) -> bool:
    """Do the pieces, each after what it needs, and say whether all have finished.

    Args:
        pieces: in the order in which they are started (`gptrepro.results.pieces.pieces_of`).
        seconds: until no piece is started and those at work save their state; may be infinite.
        jobs: processes side by side; a single one is this process.
        device, compiled: see `gptrepro.results.run_experiments`.
        report: called with one line per step.

    Raises:
        GptreproError: pieces failed; all that does not need them was done.
        Interrupted: SIGINT or SIGTERM came; everything is saved.
    """
    work = _Work(list(pieces), time.monotonic() + seconds, report, told_apart=jobs > 1)
    if jobs == 1:
        work.through(1, _Here, lambda piece, left: (perform, piece, left, device, compiled, report))
        return work.outcome()

    def elsewhere(piece: Piece, left: float) -> tuple[Any, ...]:
        run = piece.run
        return _elsewhere, run.experiment.name, run.scale, run.seed, piece.part, left, device, compiled

    columns = (MofNCompleteColumn(), TimeElapsedColumn(), TextColumn("{task.fields[state]}"))
    with stop_on_signals() as request, Display(*columns) as display:
        shown = Task(display, "pieces", every=30.0, total=len(pieces), state="")
        work.through(jobs, lambda: _process(jobs), elsewhere, request, shown)
    if request.signal:
        raise Interrupted(
            f"Stopped by {request.signal.name}; everything is saved: run the same command again to go on."
        )
    return work.outcome()


class _Here(Executor):
    """This process: what is submitted is done at once."""

    def submit(self, call: Callable[..., Any], /, *args: Any, **options: Any) -> Future[Any]:
        future: Future[Any] = Future()
        try:
            future.set_result(call(*args, **options))
        except Interrupted:
            raise
        except Exception as error:
            future.set_exception(error)
        return future


def _process(jobs: int) -> Executor:
    """A process for one piece: it takes no other along when it dies, and leaves no memory behind."""
    spawn = multiprocessing.get_context("spawn")  # a forked process cannot use a GPU
    return ProcessPoolExecutor(1, spawn, _settle_in, (max(1, threads() // jobs),))


def _settle_in(n_threads: int) -> None:
    """What a process does first: it takes its share of the processor, and signals from its parent alone.

    It ends, with its state saved, when its parent does.
    """
    threading.Thread(target=_end_with_parent, daemon=True).start()
    os.environ["GPTREPRO_THREADS"] = str(n_threads)
    torch.set_num_threads(n_threads)
    if hasattr(os, "setpgrp"):
        os.setpgrp()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        connection.wait([parent.sentinel])
        os.kill(os.getpid(), signal.SIGTERM)  # a training saves its state
        time.sleep(GRACE_SECONDS)
        os._exit(1)


def _elsewhere(
    name: str, scale: Scale, seed: int, part: str | None, seconds: float, device: str, compiled: bool | None
) -> bool:
    """Do a piece in a process of its own, with a log in place of a terminal."""
    piece = Piece(SeedRun(find_experiment(name), scale, seed), part)
    piece.folder.mkdir(parents=True, exist_ok=True)
    with (
        (piece.folder / LOG).open("a", encoding="utf-8", buffering=1) as log,
        contextlib.redirect_stdout(log),
        contextlib.redirect_stderr(log),
    ):
        print(f"{piece}: in process {os.getpid()}")
        return perform(piece, seconds, device, compiled, print)


@dataclass
class _Work:
    """Which pieces wait, are at work, have finished or have failed."""

    waiting: list[Piece]
    end: float
    """When to stop, on the clock of ``time.monotonic``."""
    report: Report
    told_apart: bool
    """Whether pieces run where nobody hears what they say of themselves."""
    at_work: dict[Future[Any], tuple[Piece, Executor]] = field(default_factory=dict)
    """With the executor that does it."""
    left: list[Piece] = field(default_factory=list)
    """Stopped when time was up."""
    failed: dict[Piece, Exception] = field(default_factory=dict)
    held: dict[str, tuple[ExitStack, int]] = field(default_factory=dict)
    """By seed, the hold on it and how many of its pieces are at work."""

    def through(
        self,
        jobs: int,
        executor: Callable[[], Executor],
        call_of: Callable[[Piece, float], tuple[Any, ...]],
        request: StopRequest | None = None,
        shown: Task | None = None,
    ) -> None:
        """Work until nothing is left that could be started.

        Args:
            jobs: pieces that are at work at a time.
            executor: makes one for a piece. None waits for the next: nobody would notice its end.
            call_of: for a piece and the seconds that are left, a function and its arguments.
            request: set when somebody asks to stop.
            shown: gets the progress.
        """
        total, told = len(self.waiting), math.inf
        try:
            while True:
                if not (request and request.signal):
                    self._start(jobs, executor, call_of)
                if not self.at_work:
                    return
                finished, _ = wait(self.at_work, timeout=1.0, return_when=FIRST_COMPLETED)
                for future in finished:
                    piece, done_with = self.at_work.pop(future)
                    self._settle(piece, future)
                    done_with.shutdown(wait=False)
                if shown:
                    done = total - len(self.waiting) - len(self.at_work)
                    names = "; ".join(str(piece) for piece, _ in self.at_work.values())
                    line = f"{done} of {total} pieces done; at work: {names or 'none'}"
                    shown.update(shown.seconds, line, completed=done, state=names)
                now = time.monotonic()
                if told == math.inf and ((request and request.signal) or now > self.end + GRACE_SECONDS):
                    told = now
                    for child in multiprocessing.active_children():
                        child.terminate()  # which saves its state
                if now > told + GRACE_SECONDS:
                    for child in multiprocessing.active_children():
                        child.kill()
        finally:
            for _, at_work in self.at_work.values():
                at_work.shutdown(cancel_futures=True)
            for held, _ in self.held.values():
                held.close()

    def outcome(self) -> bool:
        """Whether everything has finished.

        Raises:
            GptreproError: pieces failed.
        """
        if len(self.failed) == 1:
            raise next(iter(self.failed.values()))
        if self.failed:
            reasons = " ".join(f"[{piece}] {error}" for piece, error in self.failed.items())
            raise GptreproError(
                f"{len(self.failed)} pieces failed, and all that does not need them was done; the same "
                f"command goes on: {reasons}"
            ) from next(iter(self.failed.values()))
        if self.waiting:
            self.report(
                f"{len(self.waiting)} more not started: time is up; the same command goes on from here"
            )
        return not self.waiting and not self.left

    def _start(
        self, jobs: int, executor: Callable[[], Executor], call_of: Callable[[Piece, float], tuple[Any, ...]]
    ) -> None:
        """Start what can be started."""
        undone = {*self.waiting, *self.left, *self.failed, *(piece for piece, _ in self.at_work.values())}
        for piece in [*self.waiting]:
            seconds = self.end - time.monotonic()
            if seconds <= 0 or len(self.at_work) == jobs:
                return
            if undone.isdisjoint(piece.needs):
                self.waiting.remove(piece)
                try:
                    self._hold(piece)
                except GptreproError as error:
                    self.failed[piece] = error
                    continue
                if self.told_apart:
                    self.report(f"{piece}: running")
                call, *arguments = call_of(piece, seconds)
                used = executor()
                self.at_work[used.submit(call, *arguments)] = (piece, used)

    def _settle(self, piece: Piece, future: Future[Any]) -> None:
        """Take note of how a piece ended."""
        self._release(piece)
        try:
            if not future.result():
                self.left.append(piece)
            elif self.told_apart:
                self.report(f"{piece}: finished")
        except Interrupted:  # we asked it to stop, and it saved its state
            self.left.append(piece)
        except BrokenProcessPool:
            if time.monotonic() > self.end:  # we ended it
                self.left.append(piece)
                return
            self.failed[piece] = GptreproError(
                f"The process of {piece} was ended from outside, as when memory runs out: run the same "
                "command again, with fewer jobs if it happens again."
            )
        except Exception as error:
            self.failed[piece] = error

    def _hold(self, piece: Piece) -> None:
        """Keep other campaigns away from the seed of a piece."""
        held, count = self.held.get(str(piece.run), (ExitStack(), 0))
        if not count:
            held.enter_context(piece.run.held())
        self.held[str(piece.run)] = (held, count + 1)

    def _release(self, piece: Piece) -> None:
        held, count = self.held.pop(str(piece.run))
        if count > 1:
            self.held[str(piece.run)] = (held, count - 1)
        else:
            held.close()
