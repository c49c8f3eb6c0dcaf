"""How commands print: tables for people, JSON for programs."""

from __future__ import annotations

import json
import math
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for a program.")]
ScaleName = Annotated[str, typer.Option(help="smoke, laptop, gpu or paper.")]


def print_json(value: Any) -> None:
    """Print JSON that any program reads: what is infinite or NaN becomes null, for which it has no word."""
    typer.echo(json.dumps(_finite(value), indent=2, ensure_ascii=False, allow_nan=False))


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(part) for part in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def print_table(title: str, columns: list[str], rows: list[list[str]]) -> None:
    table = Table(title=title, title_justify="left", header_style="bold")
    for number, column in enumerate(columns):
        numeric = bool(rows) and all(_looks_numeric(row[number]) for row in rows)
        table.add_column(column, justify="right" if numeric else "left", overflow="fold")
    for row in rows:
        table.add_row(*row)
    Console().print(table)


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
