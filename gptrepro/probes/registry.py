"""The probes by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from gptrepro.errors import GptreproError

P = TypeVar("P", bound=Callable[..., Any])

PROBES: dict[str, Callable[..., Any]] = {}
"""Each takes the name of a published model, or nothing where it probes a tokenizer or a batch source."""


def register(function: P) -> P:
    """Add a probe under its own name."""
    PROBES[function.__name__] = function
    return function


def find_probe(name: str) -> Callable[..., Any]:
    """The probe called ``name``.

    Raises:
        GptreproError: there is none.
    """
    if name not in PROBES:
        raise GptreproError(f"There is no probe '{name}': choose {', '.join(PROBES)}.")
    return PROBES[name]


def probe(name: str, model: str | None = None) -> Any:
    """Run one probe, on one published model where it takes one.

    Raises:
        GptreproError: there is no such probe or model, or what it needs cannot be had.
    """
    found = find_probe(name)
    return found() if model is None else found(model)
