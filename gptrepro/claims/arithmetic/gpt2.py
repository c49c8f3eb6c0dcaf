"""GPT-2: Table 3 (language modelling), Table 4 (summaries), Table 6 (overlap) and the sizes."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from itertools import pairwise
from typing import Any

from gptrepro.claims.arithmetic.registry import Rows, Values, mean, register, standard_error


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
def reversals(rows: Mapping[str, Values], items: Mapping[str, int]) -> dict[str, list[str]]:
    """The columns in which some larger model does worse than the one before it.

    Args:
        rows: Table 3 by size, in ascending order.
        items: of columns of accuracies, whose luck can be told: a loss of two standard errors of the
            difference or less is luck. A column that is not named has none.
    """
    found: dict[str, list[str]] = {"worse": [], "worse_beyond_luck": []}
    for column in next(iter(rows.values())):
        scores = [row[column] for row in rows.values()]
        back = [(a, b) for a, b in pairwise(scores) if not _better(column, b, a)]
        if back:
            found["worse"].append(column)
        if any(abs(b - a) > 2 * _luck(a, b, items.get(column)) for a, b in back):
            found["worse_beyond_luck"].append(column)
    return found


def _luck(first: float, second: float, items: int | None) -> float:
    """Standard error of the difference of two accuracies, in per cent; none where the items are not known."""
    return math.hypot(standard_error(first, items), standard_error(second, items)) if items else 0.0


@register
def calibration(answers: Values) -> dict[str, Any]:
    """How many of Table 5's answers should be right by their own probabilities, and how many are.

    Right answers are a sum of independent draws, one an answer; two standard deviations are luck.
    """
    chances = [percent / 100 for percent in answers["probabilities_pct"]]
    right = len(chances) - len(answers["wrong"])
    deviation = math.sqrt(sum(p * (1 - p) for p in chances))
    return {
        "within_two_standard_deviations": abs(right - sum(chances)) <= 2 * deviation,
        "expected": round(sum(chances), 1),
        "right": right,
        "standard_deviations": round((right - sum(chances)) / deviation, 1),
    }


@register
def counts_alike(size: Values, compute: Rows, model: str) -> float:
    """Parameters of one model over those of another, of Table D.1."""
    other = next(row["params_million"] for row in compute if row["model"] == model)
    return float(round(size["parameters"] / (1e6 * other), 3))


@register
def difference(minuend: Values, subtrahend: Values, key: str) -> float:
    """One part of a value less the same part of another."""
    return round(float(minuend[key] - subtrahend[key]), 2)


@register
def nested_means(rows: Mapping[str, Values]) -> dict[str, float]:
    """The mean of each row over its columns."""
    return {name: round(mean(list(row.values())), 2) for name, row in rows.items()}


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
def tokens_by_size(reference: Values, corpus: Values, estimates: Values) -> dict[str, Any]:
    """Tokens of a text of known size at the tokens a gigabyte of another one, beside other estimates."""
    tokens = float(round(reference["tokens"] / reference["GB"] * corpus["size_GB"], -7))
    return {"within_the_estimates": estimates["low"] <= tokens <= estimates["high"], "tokens": tokens}
