"""What notebooks use to show things: tables and the library's own source, the same on every run."""

from __future__ import annotations

import inspect
from collections.abc import Callable

import pandas as pd
from IPython.display import HTML, Code


def show_table(table: pd.DataFrame, *, caption: str | None = None) -> HTML:
    """A table without row numbers that scrolls by itself on a narrow screen."""
    html = table.to_html(index=False, border=0, classes="dataframe", justify="left")
    if caption:
        html = html.replace("<thead>", f"<caption>{caption}</caption>\n<thead>", 1)
    return HTML(  # type: ignore[no-untyped-call]
        f'<div class="table-wrap" role="region" aria-label="{caption or "Table"}" tabindex="0">{html}</div>'
    )


def show_source(thing: type | Callable[..., object]) -> Code:
    """The source of a class or function of the library: what is printed is what runs."""
    return Code(inspect.getsource(thing), language="python")  # type: ignore[no-untyped-call]
