"""A progress bar with rate and remaining time; a single line where there is no terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Literal

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)


@contextmanager
def progress(
    description: str, total: int, unit: Literal["bytes", "files"] = "bytes"
) -> Iterator[Callable[[int], None]]:
    """Show progress towards ``total`` on standard error; yields ``advance(n)``.

    Standard output stays free for results. Without a terminal (a log, a notebook run) one line takes
    the bar's place, so that logs do not fill with half-drawn bars.
    """
    console = Console(stderr=True, force_jupyter=False)  # in a notebook too, not among its outputs
    if not console.is_terminal:
        size = f" ({total / 1e6:.1f} MB)" if unit == "bytes" else ""
        console.print(f"{description}{size}", highlight=False, markup=False, soft_wrap=True)
        yield lambda _: None
        return
    counts = (DownloadColumn(), TransferSpeedColumn()) if unit == "bytes" else (MofNCompleteColumn(),)
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), *counts, TimeRemainingColumn())
    with Progress(*columns, console=console) as bar:
        task = bar.add_task(description, total=total)
        yield lambda amount: bar.advance(task, amount)
