"""What a person sees while something takes its time: live bars on a terminal, plain lines in a log.

All of it goes to standard error, from notebooks too; standard output stays free for results.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Literal, Self

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)


class Display:
    """Tasks side by side: each a bar with ``columns`` on a terminal, a line now and then in a log."""

    def __init__(self, *columns: ProgressColumn, console: Console | None = None) -> None:
        self.console = console or Console(
            stderr=True, force_jupyter=False, soft_wrap=True, highlight=False, markup=False
        )
        self.bars = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=24),
            *columns,
            console=self.console,
            disable=not self.console.is_terminal,
        )

    def __enter__(self) -> Self:
        self.bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.bars.stop()

    def say(self, line: str) -> None:
        """Print one line above whatever is running."""
        self.console.print(line, markup=False)


class Task:
    """One bar of a display; in a log, a line at most every so many seconds."""

    def __init__(self, display: Display, name: str, every: float, **fields: Any) -> None:
        self._display, self._every = display, every
        self._began = self._said = time.monotonic()
        self._bar = display.bars.add_task(name, **fields)

    @property
    def seconds(self) -> float:
        """The time since the task began."""
        return time.monotonic() - self._began

    def update(self, seconds: float, line: str, **fields: Any) -> None:
        """Show what was reached after ``seconds``: ``fields`` on the bar, or ``line`` if one is due."""
        self._display.bars.update(self._bar, **fields)
        if not self._display.console.is_terminal and self._began + seconds - self._said >= self._every:
            self._said = self._began + seconds
            self._display.say(line)

    def remove(self) -> None:
        """Take the bar away."""
        self._display.bars.remove_task(self._bar)


@contextmanager
def progress(
    description: str, total: int, unit: Literal["bytes", "files"] = "bytes"
) -> Iterator[Callable[[int], None]]:
    """Show progress towards ``total``, in a log by one line; yields ``advance(n)``."""
    counts = (DownloadColumn(), TransferSpeedColumn()) if unit == "bytes" else (MofNCompleteColumn(),)
    with Display(*counts, TimeRemainingColumn()) as display:
        if not display.console.is_terminal:
            display.say(description + (f" ({total / 1e6:.1f} MB)" if unit == "bytes" else ""))
        bar = display.bars.add_task(description, total=total)
        yield lambda amount: display.bars.advance(bar, amount)


class TrainingDisplay(Display):
    """Steps, loss and speed of a training; in a log, a line every 30 seconds."""

    def __init__(self, name: str, step: int, steps: int, visible: bool = True) -> None:
        speed = TextColumn("{task.fields[loss]}{task.fields[rate]:,.0f} tokens/s")
        super().__init__(MofNCompleteColumn(), speed, TimeRemainingColumn())
        self.console.quiet = not visible
        self._name, self._first_step, self._steps, self._tokens = name, step, steps, 0
        self._task = Task(self, name, every=30.0, total=steps, completed=step, loss="", rate=0.0)

    def update(self, step: int, tokens: int, loss: float, how: str = "") -> None:
        """Show that ``step`` is done with ``tokens`` tokens, at ``loss`` (nan if not known yet).

        ``how`` says where and how the training is computed.
        """
        self._tokens += tokens
        seconds = self._task.seconds
        rate = self._tokens / max(seconds, 1e-9)
        known = "" if math.isnan(loss) else f"loss {loss:.3f}, "
        left = _duration(seconds / (step - self._first_step) * (self._steps - step))
        name = self._name + (f" ({how})" if how else "")
        line = f"{name}: step {step:,} of {self._steps:,}, {known}{rate:,.0f} tokens/s, {left} left"
        self._task.update(seconds, line, description=name, completed=step, loss=known, rate=rate)


def _duration(seconds: float) -> str:
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} min" if hours else f"{minutes} min {seconds:02d} s"


class BuildDisplay(Display):
    """Notebooks at work and the pages after them; in a log, a notebook has a line every 5 seconds."""

    def __init__(self, console: Console | None = None) -> None:
        super().__init__(TextColumn("{task.fields[state]}"), TimeElapsedColumn(), console=console)

    @contextmanager
    def notebook(self, name: str) -> Iterator[FollowedNotebook]:
        """Follow the execution of one notebook; it counts as failed unless ``done`` is called."""
        followed = FollowedNotebook(self, name)
        try:
            yield followed
        finally:
            followed.close()

    @contextmanager
    def pages(self) -> Iterator[Callable[[str], None]]:
        """Follow the building of pages; yields what to call with each step's line."""
        bar = self.bars.add_task("pages", total=None, state="")
        try:
            yield lambda line: self.bars.update(bar, state=line[:60])
        finally:
            self.bars.remove_task(bar)


class FollowedNotebook:
    """One notebook's line on the screen or in the log."""

    def __init__(self, display: BuildDisplay, name: str) -> None:
        self._display, self._name, self._verdict = display, f"  {name}", "failed"
        self._task = Task(display, self._name, every=5.0, total=None, state="starting")
        if not display.console.is_terminal:
            display.say(f"{self._name}: starting")

    def cell(self, number: int, total: int) -> None:
        """The cell ``number`` of ``total`` starts."""
        seconds, state = self._task.seconds, f"cell {number} of {total}"
        line = f"{self._name}: {state}, {seconds:.0f} s"
        self._task.update(seconds, line, total=total, completed=number - 1, state=state)

    def done(self) -> None:
        """The notebook ran to its end."""
        self._verdict = "done"

    def close(self) -> None:
        """Remove the bar and say how it ended."""
        self._task.remove()
        self._display.say(f"{self._name}: {self._verdict}, {self._task.seconds:.0f} s")
