"""What the reader sees while the book is made: live bars on a terminal, plain lines in a log."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

HEARTBEAT_SECONDS = 5.0
"""A log gets at most one line a notebook in this time, besides its first and last."""


class Report:
    """Progress of a build on standard error; standard output stays free for the result."""

    def __init__(self, console: Console | None = None) -> None:
        self.console = console or Console(stderr=True, soft_wrap=True, highlight=False)
        self.live = Progress(
            TextColumn("  {task.description}"),
            BarColumn(bar_width=24),
            TextColumn("{task.fields[state]}"),
            TimeElapsedColumn(),
            console=self.console,
            disable=not self.console.is_terminal,
        )

    def __enter__(self) -> Report:
        self.live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.live.stop()

    def say(self, line: str) -> None:
        """Print one line above whatever is running."""
        self.console.print(line, markup=False)

    @contextmanager
    def notebook(self, name: str) -> Iterator[FollowedNotebook]:
        """Follow the execution of one notebook; it counts as failed unless ``done`` is called."""
        followed = FollowedNotebook(self, name, self.live.add_task(name, total=None, state="starting"))
        try:
            yield followed
        finally:
            followed.close()

    @contextmanager
    def pages(self) -> Iterator[Callable[[str], None]]:
        """Follow the building of pages; yields what to call with each step's line."""
        task = self.live.add_task("pages", total=None, state="")
        try:
            yield lambda line: self.live.update(task, state=line[:60])
        finally:
            self.live.remove_task(task)


class FollowedNotebook:
    """One notebook's line on the screen or in the log."""

    def __init__(self, report: Report, name: str, task: TaskID) -> None:
        self._report, self._name, self._task = report, name, task
        self._began = self._said = time.monotonic()
        self._verdict = "failed"
        if not report.console.is_terminal:
            report.say(f"  {name}: starting")

    def cell(self, number: int, total: int) -> None:
        """The cell ``number`` of ``total`` starts."""
        self._report.live.update(
            self._task, total=total, completed=number - 1, state=f"cell {number} of {total}"
        )
        now = time.monotonic()
        if not self._report.console.is_terminal and now - self._said >= HEARTBEAT_SECONDS:
            self._said = now
            self._report.say(f"  {self._name}: cell {number} of {total}, {now - self._began:.0f} s")

    def done(self) -> None:
        """The notebook ran to its end."""
        self._verdict = "done"

    def close(self) -> None:
        """Remove the bar and say how it ended."""
        self._report.live.remove_task(self._task)
        self._report.say(f"  {self._name}: {self._verdict}, {time.monotonic() - self._began:.0f} s")
