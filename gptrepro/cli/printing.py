"""How commands print: tables for people, JSON for programs."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterable, Sequence
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from gptrepro.errors import GptreproError

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for a program.")]
ScaleName = Annotated[str, typer.Option(help="smoke, laptop, gpu or paper.")]


def require_one_process() -> None:
    """Refuse to be one of several processes that a launcher has started.

    Raises:
        GptreproError: there are several: each would train the same model and write the same files.
    """
    count = os.environ.get("WORLD_SIZE", "1")
    if count.isdecimal() and int(count) > 1:
        raise GptreproError(
            f"A launcher such as torchrun has started {count} processes, and this command trains in one: run "
            "it without the launcher. From Python, `gptrepro.train.loop.train(world=...)` trains in several."
        )


def print_json(value: Any) -> None:
    """Print JSON that any program reads: what is infinite or NaN becomes null, for which it has no word."""
    typer.echo(json.dumps(_finite(value), indent=2, ensure_ascii=False, allow_nan=False))


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(part) for part in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def print_table(title: str, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """One line a row, one space between columns, numbers to the right; a row of one cell is a heading.

    Nothing is cut or wrapped: who calls chooses columns that fit into 80 characters.
    """
    lines = list(rows)
    cells = [row for row in lines if len(row) == len(columns)]
    widths = [max(map(len, column)) for column in zip(columns, *cells, strict=True)]
    numeric = [bool(cells) and all(_looks_numeric(row[i]) for row in cells) for i in range(len(columns))]
    typer.echo(title)
    for row in (columns, *lines):
        if len(row) == len(columns):
            sides = zip(row, widths, numeric, strict=True)
            row = [cell.rjust(width) if right else cell.ljust(width) for cell, width, right in sides]
        typer.echo(" ".join(row).rstrip())


def short_count(count: float) -> str:
    """A count in at most four digits, as papers write it: 117M, 1.542B."""
    for unit, size in (("T", 1e12), ("B", 1e9), ("M", 1e6), ("k", 1e3)):
        if count >= size:
            return f"{count / size:.4g}{unit}"
    return f"{count:g}"


def print_list(title: str, columns: list[str], rows: list[list[str]]) -> None:
    """One line a row, whatever the width: the last column is cut where there is no room for it."""
    table = Table(title=title, title_justify="left", header_style="bold", box=None, pad_edge=False)
    for number, column in enumerate(columns):
        last = number == len(columns) - 1
        numeric = bool(rows) and all(_looks_numeric(row[number]) for row in rows)
        table.add_column(
            column,
            justify="right" if numeric and not last else "left",
            no_wrap=True,
            overflow="ellipsis",
            ratio=1 if last else None,
        )
    for row in rows:
        table.add_row(*row)
    table.expand = True
    Console().print(table)
    Console().print()


def _looks_numeric(text: str) -> bool:
    return text[:1].isdigit()
