"""What the fields of a configuration may hold, by their annotations: the one home of such checks.

A slip in a configuration must not build another model or run another training, so that every dataclass of
settings asks here whether each value is of its field's type, before it looks at ranges of its own.
"""

from __future__ import annotations

import functools
import sys
import types
from collections.abc import Callable
from typing import Any, Literal, NamedTuple, Union, get_args, get_origin, get_type_hints

from gptrepro.errors import GptreproError


class _Kind(NamedTuple):
    """A type, in words and as a test."""

    words: str
    holds: Callable[[Any], bool]


def check_types(config: object) -> None:
    """Refuse a dataclass with a field whose value is not of the type that is annotated.

    A whole number is neither a float nor true or false; a number is finite and may be whole; a choice is one
    of those that its Literal names.

    Raises:
        GptreproError: it names the field, what it must be, and what it is.
    """
    for name, kind in _kinds(type(config)).items():  # type: ignore[arg-type]  # classes are hashable
        value = getattr(config, name)
        if not kind.holds(value):
            raise GptreproError(f"{name} must be {kind.words}, not {value!r}.")


def check_least(config: object, least: int, *names: str) -> None:
    """Refuse a configuration one of whose named fields is stated and below ``least``.

    Raises:
        GptreproError: it names the field.
    """
    for name in names:
        value = getattr(config, name)
        if value is not None and value < least:
            raise GptreproError(f"{name} must be at least {least}, not {value}.")


@functools.cache
def _kinds(of: type) -> dict[str, _Kind]:
    hints = get_type_hints(of)
    return {name: _kind(hints[name]) for name in of.__dataclass_fields__}  # type: ignore[attr-defined]


def _kind(hint: Any) -> _Kind:
    if hint in _PLAIN:
        return _PLAIN[hint]
    origin, parts = get_origin(hint), get_args(hint)
    if origin is Literal:
        return _Kind(f"one of {', '.join(parts)}", lambda value: isinstance(value, str) and value in parts)
    if origin in (Union, types.UnionType):
        kinds = [_kind(part) for part in parts]
        return _Kind(
            " or ".join(kind.words for kind in kinds),
            lambda value: any(kind.holds(value) for kind in kinds),
        )
    if origin is tuple and parts[-1] is Ellipsis:
        each = _kind(parts[0])
        return _Kind(
            f"a tuple with each {each.words}",
            lambda value: isinstance(value, tuple) and all(map(each.holds, value)),
        )
    if origin is tuple:
        inner = [_kind(part) for part in parts]
        return _Kind(
            f"a tuple of {len(inner)}",
            lambda value: (
                isinstance(value, tuple)
                and len(value) == len(inner)
                and all(kind.holds(part) for kind, part in zip(inner, value, strict=True))
            ),
        )
    return _Kind(f"a {hint.__name__}", lambda value: isinstance(value, hint))


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def is_finite(value: Any) -> bool:
    """Whether a value is a number that a float can hold: not infinite, not NaN, not true or false."""
    largest = sys.float_info.max
    return isinstance(value, int | float) and not isinstance(value, bool) and -largest <= value <= largest


_PLAIN: dict[Any, _Kind] = {
    int: _Kind("a whole number of at most 63 bits", lambda value: _is_whole(value) and abs(value) < 2**63),
    float: _Kind("a finite number", is_finite),
    bool: _Kind("true or false", lambda value: isinstance(value, bool)),
    str: _Kind("a text", lambda value: isinstance(value, str)),
    type(None): _Kind("none", lambda value: value is None),
}
