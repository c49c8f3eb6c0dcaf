"""The checks by name."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from gptrepro.errors import GptreproError

C = TypeVar("C", bound=Callable[..., Any])

Values = Mapping[str, Any]
"""A published value with several named parts, or one row of a table."""
Rows = Sequence[Values]
"""The rows of a wide table."""

CHECKS: dict[str, Callable[..., Any]] = {}
"""Each takes the figures of other claims and returns what they amount to."""


def register(function: C) -> C:
    """Add a check under its own name."""
    CHECKS[function.__name__] = function
    return function


@register
def cells(
    table: Rows | Mapping[str, Values],
    value: str,
    where: Mapping[str, str | float | list[str | float]],
    by: str | None = None,
) -> Any:
    """Column ``value`` of the rows that ``where`` picks, by their column ``by``; without it, the one number.

    ``where`` has a value, or a list of some, for each column that it names; cells come in the order of a list
    for ``by``. The column ``name`` of a table whose rows have names holds these.
    """
    rows = [{"name": name, **row} for name, row in table.items()] if isinstance(table, Mapping) else table
    picked = [row for row in rows if all(row[key] in _listed(wanted) for key, wanted in where.items())]
    if by is None:
        (only,) = picked
        return float(only[value])
    found = {row[by]: row[value] for row in picked}
    return {name: found[name] for name in _listed(where.get(by, list(found))) if name in found}


@register
def printed_means(rows: Mapping[str, Values], average: str) -> dict[str, float]:
    """How far each row's printed average is from the mean of its other columns."""
    return {
        name: round(row[average] - mean([score for key, score in row.items() if key != average]), 4)
        for name, row in rows.items()
    }


def standard_error(percent: float, items: int) -> float:
    """Standard error of a share of items, in per cent."""
    share = percent / 100
    return 100 * math.sqrt(share * (1 - share) / items)


def _listed(wanted: Any) -> list[Any]:
    return wanted if isinstance(wanted, list) else [wanted]


def find_check(name: str) -> Callable[..., Any]:
    """The check called ``name``.

    Raises:
        GptreproError: there is none.
    """
    if name not in CHECKS:
        raise GptreproError(f"There is no check '{name}': choose {', '.join(CHECKS)}.")
    return CHECKS[name]


def mean(values: Sequence[float]) -> float:
    """The arithmetic mean."""
    return sum(values) / len(values)
