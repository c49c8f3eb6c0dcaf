"""A progress bar with rate and remaining time; a single line where there is no terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)


@contextmanager
def byte_progress(description: str, total: int | None) -> Iterator[Callable[[int], None]]:
    """Show progress over ``total`` bytes on standard error; yields ``advance(n_bytes)``.

    Standard output stays free for results. Without a terminal (a log, a notebook run) the bar is
    replaced by one line, so that logs do not fill with half-drawn bars.
    """
    console = Console(stderr=True)
    if not console.is_terminal:
        size = "" if total is None else f" ({total / 1e6:.1f} MB)"
        console.print(f"{description}{size}", highlight=False, soft_wrap=True)
        yield lambda _: None
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console) as progress:
        task = progress.add_task(description, total=total)
        yield lambda n_bytes: progress.advance(task, n_bytes)
