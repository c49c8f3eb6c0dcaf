"""What notebooks use to show things: tables and the library's own source, the same on every run."""

from __future__ import annotations

import inspect
import re
import textwrap
from collections.abc import Callable, Iterable
from typing import Any

import pandas as pd
from IPython.display import HTML, Code

from gptrepro.evaluate.statistics import paired_t
from gptrepro.results import Record


def show_table(table: pd.DataFrame, *, caption: str | None = None) -> HTML:
    """A table without row numbers that scrolls by itself on a narrow screen."""
    html = table.to_html(index=False, border=0, classes="dataframe", justify="left")
    if caption:
        html = html.replace("<thead>", f"<caption>{caption}</caption>\n<thead>", 1)
    return HTML(  # type: ignore[no-untyped-call]
        f'<div class="table-wrap" role="region" aria-label="{caption or "Table"}" tabindex="0">{html}</div>'
    )


def mean_in_words(values: Iterable[float], digits: int = 1) -> str:
    """The mean over seeds and its 95% t-interval, such as ``62.7 (61.7 to 63.7)``; one value stands alone."""
    values = list(values)
    if len(values) < 2:
        return f"{values[0]:.{digits}f}"
    interval = paired_t(values)
    return f"{interval.mean:.{digits}f} ({interval.low:.{digits}f} to {interval.high:.{digits}f})"


def show_source(
    thing: type | Callable[..., object], *, first: str | None = None, last: str | None = None
) -> Code:
    """The source of a class or function of the library: what is printed is what runs.

    It stands at the margin, with the first sentences of its docstring alone.

    Args:
        thing: a class or a function.
        first, last: words of the first and of the last line to show, each in a single line of the source; a
            part of a long function.

    Raises:
        ValueError: no line, or more than one, has the words.
    """
    source = textwrap.dedent(inspect.getsource(thing))
    lines = _DOCSTRING.sub(_first_paragraph, source).rstrip().splitlines()
    begin = _line_with(lines, first) if first else 0
    end = _line_with(lines, last) if last else len(lines) - 1
    part = textwrap.dedent("\n".join(lines[begin : end + 1]))
    return Code(part, language="python")  # type: ignore[no-untyped-call]


_DOCSTRING = re.compile(r'"""(.*?)"""', re.DOTALL)


def _first_paragraph(docstring: re.Match[str]) -> str:
    quotes = '"' * 3
    return quotes + docstring.group(1).split("\n\n")[0].rstrip() + quotes


def _line_with(lines: list[str], words: str) -> int:
    """The number of the only line that has ``words``."""
    found = [number for number, line in enumerate(lines) if words in line]
    if len(found) != 1:
        raise ValueError(f"{words!r} stands in {len(found)} lines of the source")
    return found[0]


def by_seed(lines: pd.DataFrame, along: str) -> pd.DataFrame:
    """Lines of a record's table as a curve of each seed: (seeds, points), the points ascending.

    Args:
        lines: what `Record.select` gave; lines without the coordinate are left out, and what else differs
            among them (the tasks of an average) is averaged.
        along: the coordinate of the points.
    """
    return lines.pivot_table(index="seed", columns=along, values="value")


def mean_over_tasks(record: Record, **where: Any) -> list[float]:
    """The mean over tasks of each seed, at some coordinates."""
    return [float(mean) for mean in record.select(**where).groupby("seed")["value"].mean()]
