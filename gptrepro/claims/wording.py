"""Values of claims as short text."""

from __future__ import annotations

import re
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

_SYMBOL = re.compile(r"(alpha|[A-Za-z])_\w+")
"""Names like d_model or N_c are written as they are; in all others "_" stands for a space."""


def compact(value: Any) -> str:
    """A published or measured value as short text."""
    if value is None:
        return ""
    if isinstance(value, Mapping):
        return ", ".join(_part(key, item) for key, item in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(compact(item) for item in value) or "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int) or (isinstance(value, float) and value.is_integer() and abs(value) < 1e15):
        return f"{int(value):,}"
    if isinstance(value, float):
        return f"{value:g}"
    return str(value)


def _part(key: Any, item: Any) -> str:
    """A named part; what has parts of its own stands in brackets, so that one sees where it ends."""
    if isinstance(item, Mapping):
        return f"{label(key)} ({compact(item)})"
    return f"{label(key)}: {compact(item)}{_unit(key, item)}"


def with_unit(text: str, unit: str | None) -> str:
    """A value in words with its unit; "%" follows without a space."""
    if not text or not unit:
        return text
    return f"{text}{unit}" if unit.startswith("%") else f"{text} {unit}"


def percent(share: float) -> str:
    """A share as a percentage, such as ``97.5%``; to a tenth of what it lacks to all of it."""
    return f"{100 * share:.1f}".removesuffix(".0") + "%"


def label(key: Any) -> str:
    """The name of a part of a value, in words; its unit "_pct" is left to the number."""
    text = str(key)
    return text if _SYMBOL.fullmatch(text) else text.removesuffix("_pct").replace("_", " ")


def _unit(key: Any, item: Any) -> str:
    return "%" if str(key).endswith("_pct") and not isinstance(item, bool) else ""


def place(coordinate: str, value: Any, labels: Mapping[str, Mapping[Any, str]] | None = None) -> str:
    """A value of a coordinate in words: its label, or what the coordinate itself says of it."""
    named = (labels or {}).get(coordinate, {})
    if value in named:
        return named[value]
    if isinstance(value, str):
        return value.replace("_", " ")
    if coordinate == "fraction":
        if value in (0, 1):
            return "at its end" if value else "untrained"
        return f"after {Fraction(value).limit_denominator(1000)} of the training"
    return f"{compact(value)} {one_of(coordinate) if value == 1 else coordinate}"


def one_of(coordinate: str) -> str:
    """One step of a coordinate that counts, such as ``letter`` of ``letters``."""
    return coordinate.removesuffix("s").replace("_", " ")
