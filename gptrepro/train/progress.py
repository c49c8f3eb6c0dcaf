"""What a person sees while a training runs."""

from __future__ import annotations

import math
import time
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

PLAIN_LINE_SECONDS = 30.0


class TrainingDisplay:
    """A progress bar on a terminal; elsewhere a plain line every 30 seconds, on standard error."""

    def __init__(self, name: str, step: int, steps: int, visible: bool = True) -> None:
        self._name, self._steps = name, steps
        self._console = Console(stderr=True, quiet=not visible, force_jupyter=False)
        self._bar = Progress(
            TextColumn("{task.description}{task.fields[how]}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[loss]}{task.fields[rate]:,.0f} tokens/s"),
            TimeRemainingColumn(),
            console=self._console,
            disable=not self._console.is_terminal,
        )
        self._task = self._bar.add_task(name, total=steps, completed=step, how="", loss="", rate=0.0)
        self._started = self._spoken = time.monotonic()
        self._first_step, self._tokens = step, 0

    def update(self, step: int, tokens: int, loss: float, how: str = "") -> None:
        """Show that ``step`` is done with ``tokens`` tokens, at ``loss`` (nan if not known yet).

        ``how`` says where and how the training is computed.
        """
        self._tokens += tokens
        now = time.monotonic()
        rate = self._tokens / max(now - self._started, 1e-9)
        known = "" if math.isnan(loss) else f"loss {loss:.3f}, "
        shown = f" ({how})" if how else ""
        self._bar.update(self._task, completed=step, how=shown, loss=known, rate=rate)
        if not self._console.is_terminal and now - self._spoken >= PLAIN_LINE_SECONDS:
            self._spoken = now
            left = (now - self._started) / (step - self._first_step) * (self._steps - step)
            self._console.print(
                f"{self._name}{shown}: step {step:,} of {self._steps:,}, "
                f"{known}{rate:,.0f} tokens/s, {_duration(left)} left",
                highlight=False,
                soft_wrap=True,
            )

    def __enter__(self) -> TrainingDisplay:
        self._bar.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.__exit__(kind, error, trace)


def _duration(seconds: float) -> str:
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} min" if hours else f"{minutes} min {seconds:02d} s"
