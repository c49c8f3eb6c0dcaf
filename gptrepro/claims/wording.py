"""Values of claims as short text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def compact(value: Any) -> str:
    """A published or measured value as short text."""
    if value is None:
        return ""
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {compact(item)}" for key, item in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(compact(item) for item in value) or "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int) or (isinstance(value, float) and value.is_integer() and abs(value) < 1e15):
        return f"{int(value):,}"
    if isinstance(value, float):
        return f"{value:g}"
    return str(value)
