"""How exactly a recomputed number can be known, where it and its inputs are printed to some digit.

A mean of eight scores that are each printed to a tenth can be off by half a tenth, and so can the mean beside
which it is put: a printed average contradicts its columns only where it is further off than both together.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

Path = tuple[Any, ...]
"""Keys and places that lead to a number inside a value."""

_WRITTEN_OUT = 1e6
"""From here on a number is written with its significant digits only: 22.9e+9 is known to 0.1e+9."""


def half_unit(value: float) -> float:
    """Half a unit of the last digit that is printed; of nought, which is said of a difference, none.

    Noughts behind the point are lost where numbers are kept: 15.60 counts as 15.6.
    """
    if value == 0:
        return 0.0
    digits = Decimal(repr(value))
    if isinstance(value, float) and abs(value) >= _WRITTEN_OUT:
        digits = digits.normalize()
    return 0.5 * 10.0 ** int(digits.as_tuple().exponent)


def numbers(value: Any, path: Path = ()) -> Iterator[tuple[Path, float]]:
    """Every number inside a value, with the way to it."""
    if isinstance(value, Mapping):
        for key, part in value.items():
            yield from numbers(part, (*path, key))
    elif isinstance(value, list | tuple):
        for place, part in enumerate(value):
            yield from numbers(part, (*path, place))
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield path, value


def replaced(value: Any, path: Path, number: float) -> Any:
    """The value with another number at the end of a way."""
    if not path:
        return number
    first, *rest = path
    if isinstance(value, Mapping):
        return {**value, first: replaced(value[first], tuple(rest), number)}
    return [
        replaced(part, tuple(rest), number) if place == first else part for place, part in enumerate(value)
    ]


def tolerance(
    published: Any, measured: Any, compute: Callable[..., Any], inputs: Sequence[Any]
) -> float | dict[str, float]:
    """The largest deviation that rounding alone can make, of a number or of each named part.

    The published number may be off by half a unit of its last digit, and what is computed by as much as it
    moves when every input is off by half a unit, all in the same direction.

    Args:
        published: what is printed.
        measured: ``compute(*inputs)``.
        compute: the recomputation.
        inputs: its inputs, as printed.
    """
    allowed = {path: 0.0 for path, _ in numbers(measured)}
    for way, value in numbers(list(inputs)):
        shaken = dict(numbers(compute(*replaced(list(inputs), way, value + half_unit(value)))))
        for path, number in numbers(measured):
            allowed[path] += abs(shaken.get(path, number) - number)
    for path, number in numbers(published):
        if path in allowed:
            allowed[path] += half_unit(number)
    if not isinstance(measured, Mapping):
        return max(allowed.values(), default=0.0)
    return {
        key: max((off for path, off in allowed.items() if path[0] == key), default=0.0) for key in measured
    }
