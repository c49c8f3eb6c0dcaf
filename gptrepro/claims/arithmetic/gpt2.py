"""GPT-2: Table 3 (language modelling), Table 4 (summaries), Table 6 (overlap) and the sizes."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from itertools import pairwise
from typing import Any

from gptrepro.claims.arithmetic.registry import Values, mean, register


def _better(column: str, score: float, other: float) -> bool:
    """Accuracies should be high; perplexities and bits should be low."""
    return score > other if column.endswith("_acc") else score < other


@register
def datasets_beaten(row: Values, earlier: Values) -> dict[str, Any]:
    """On how many data sets every column of Table 3 beats the earlier best; the rest by name."""
    by_dataset: dict[str, list[bool]] = {}
    for column, score in row.items():
        by_dataset.setdefault(re.split("[-_]", column)[0], []).append(_better(column, score, earlier[column]))
    missed = sorted(name for name, wins in by_dataset.items() if not all(wins))
    return {"improved": len(by_dataset) - len(missed), "of": len(by_dataset), "missed": missed}


@register
def newly_beaten(rows: Mapping[str, Values], earlier: str) -> dict[str, list[str]]:
    """The columns of Table 3 that each size is the first to win, sizes in ascending order."""
    best, won, found = rows[earlier], set[str](), {}
    for name, row in rows.items():
        if name == earlier:
            continue
        wins = {column for column in row if _better(column, row[column], best[column])}
        found[name] = sorted(wins - won)
        won |= wins
    return found


@register
def reversals(rows: Mapping[str, Values]) -> list[str]:
    """The columns in which some larger model does worse than the one before it."""
    ascending = list(rows.values())
    return [
        column
        for column in ascending[0]
        if not all(
            _better(column, larger[column], smaller[column]) for smaller, larger in pairwise(ascending)
        )
    ]


@register
def rouge_averages(rows: Mapping[str, Values]) -> dict[str, float]:
    """The mean of the three ROUGE scores of each system of Table 4."""
    return {name: round(mean([row["R1"], row["R2"], row["RL"]]), 2) for name, row in rows.items()}


@register
def difference(minuend: Values, subtrahend: Values, key: str) -> float:
    """One part of a value less the same part of another."""
    return round(float(minuend[key] - subtrahend[key]), 2)


@register
def nested_means(rows: Mapping[str, Values]) -> dict[str, float]:
    """The mean of each row over its columns."""
    return {name: round(mean(list(row.values())), 2) for name, row in rows.items()}


@register
def wikitext_exponents(rows: Mapping[str, Values]) -> dict[str, float]:
    """ln of the WikiText-103 perplexity over ln of the WikiText-2 perplexity, by size.

    Both columns score the same test text; were one per token and the other per word, this ratio would be
    the tokens in a word, the same for every model.
    """
    return {
        name: round(math.log(row["WikiText103_ppl"]) / math.log(row["WikiText2_ppl"]), 3)
        for name, row in rows.items()
    }


@register
def exponents_agree(rows: Mapping[str, Values]) -> dict[str, Any]:
    """Whether those ratios agree within 1%, and their range."""
    ratios = list(wikitext_exponents(rows).values())
    return {"agree": max(ratios) / min(ratios) < 1.01, "from": max(ratios), "to": min(ratios)}


@register
def size_ratios(sizes: Mapping[str, Values]) -> dict[str, Any]:
    """How many times larger each printed size is than the one before, and whether all lie within 2 to 3."""
    printed = [row["printed_million"] for row in sizes.values()]
    ratios = [round(b / a, 1) for a, b in pairwise(printed)]
    return {"all_between_2_and_3": all(2 <= ratio <= 3 for ratio in ratios), "ratios": ratios}


@register
def tokens_by_size(reference: Values, corpus: Values) -> float:
    """Tokens of a text of known size at the tokens per gigabyte of a reference text."""
    return float(round(reference["tokens"] / reference["GB"] * corpus["size_GB"], -7))


@register
def columns(row: Values, names: list[str] | None = None) -> list[float]:
    """The values of a row, in its order or in that of ``names``."""
    return list(row.values()) if names is None else [row[name] for name in names]
