"""Arithmetic on texts about the papers and on the papers before them."""

from __future__ import annotations

import math
from typing import Any

from gptrepro.claims.arithmetic.registry import Values, register

_BY_PAIR = (math.sin, math.cos)
"""Of the two dimensions of a pair, the first is a sine."""


@register
def part(values: Values, key: str) -> Any:
    """One part of a published value."""
    return values[key]


@register
def same_for_all(values: Values, key: str, labels: list[str]) -> dict[str, Any]:
    """One part of a published value, beside each of several texts that give it."""
    return dict.fromkeys(labels, values[key])


@register
def parts_apart(values: Values, more: str, less: str) -> float:
    """One part of a published value less another."""
    return float(round(values[more] - values[less], 2))


@register
def rows_of_embedding(parameters: Values, width: int) -> dict[str, int]:
    """Rows of a token embedding, from its parameters and the width of the model: rounded, and exactly."""
    rows = int(parameters["token_emb"] // width)
    return {"in_thousands": round(rows, -3), "exactly": rows}


@register
def growth(before: Values, after: Values) -> dict[str, float]:
    """How many times more sequences, and tokens, an update reads."""
    return {
        "times_the_sequences": after["sequences"] / before["sequences"],
        "times_the_tokens": after["sequences"] * after["context"] / before["tokens_per_update"],
    }


@register
def sinusoids(width: int = 64, length: int = 128) -> dict[str, Any]:
    """Sinusoidal positions in both index conventions, side by side.

    One counts dimensions (even i: exponent i/d, odd i: (i - 1)/d), the other pairs (2k/d for both).
    """
    by_dimension = [
        [
            math.sin(p / 10000 ** (i / width)) if i % 2 == 0 else math.cos(p / 10000 ** ((i - 1) / width))
            for i in range(width)
        ]
        for p in range(length)
    ]
    by_pair = [
        [f(p / 10000 ** (2 * k / width)) for k in range(width // 2) for f in _BY_PAIR] for p in range(length)
    ]
    gap = max(
        abs(a - b)
        for row, other in zip(by_dimension, by_pair, strict=True)
        for a, b in zip(row, other, strict=True)
    )
    return {"agree": gap < 1e-9}
