"""The checks by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

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


def mean(values: Sequence[float]) -> float:
    """The arithmetic mean."""
    return sum(values) / len(values)
