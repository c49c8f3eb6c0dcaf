"""GPT-3 and the scaling laws: sizes (Table 2.1), data (2.2), compute (D.1), overlap (C.1)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from gptrepro.claims.arithmetic.registry import Rows, Values, mean, register, standard_error

TOKENS_BILLION = 300
"""Tokens that every GPT-3 model reads (caption of Table 2.1)."""


def _row(table: Rows, key: str, value: str) -> Values:
    return next(row for row in table if row[key] == value)


@register
def model_span(compute: Rows) -> dict[str, Any]:
    """How many GPT-3 models Table D.1 lists, the smallest and the largest."""
    sizes = [row["params_million"] * 1e6 for row in compute if row["model"].startswith("GPT-3")]
    return {"models": len(sizes), "smallest": min(sizes), "largest": max(sizes)}


@register
def size_ratio(compute: Rows, model: str, other: float) -> float:
    """Parameters of a model of Table D.1 over those of another."""
    return float(round(_row(compute, "model", model)["params_million"] * 1e6 / other, 1))


def mixture_totals(mixture: Rows) -> dict[str, float]:
    """Sums of Table 2.2: weights, tokens, and tokens times printed epochs."""
    return {
        "weight_sum_pct": sum(row["weight_pct"] for row in mixture),
        "token_sum_billion": sum(row["tokens_billion"] for row in mixture),
        "tokens_times_epochs_billion": sum(row["tokens_billion"] * row["epochs"] for row in mixture),
    }


def mixture_epochs(mixture: Rows) -> dict[str, float]:
    """Epochs over each corpus that follow from its weight: weight x 300B / tokens."""
    return {
        row["corpus"]: round(row["weight_pct"] / 100 * TOKENS_BILLION / row["tokens_billion"], 2)
        for row in mixture
    }


@register
def mixture_off_by(mixture: Rows) -> dict[str, float]:
    """How far Table 2.2 is from itself.

    The sum of the weights over 100%, the tokens that its epochs make over 300 billion, and the printed
    epochs over those that follow from weight and tokens.
    """
    totals, follow = mixture_totals(mixture), mixture_epochs(mixture)
    return {
        "weights_pct": totals["weight_sum_pct"] - 100,
        "tokens_read_billion": round(totals["tokens_times_epochs_billion"] - TOKENS_BILLION, 2),
    } | {row["corpus"]: round(row["epochs"] - follow[row["corpus"]], 2) for row in mixture}


@register
def epochs_of_size(mixture: Rows, other: Values, corpus: str) -> float:
    """Epochs that follow from a corpus's weight if it has the tokens that another paper counts in it."""
    weight = _row(mixture, "corpus", corpus)["weight_pct"] / 100
    return float(round(weight * TOKENS_BILLION * 1e9 / other["tokens"], 2))


@register
def mixture_part(mixture: Rows, corpora: list[str]) -> dict[str, float]:
    """What some corpora make up of Table 2.2: whether all are in it, per cent of weights, and of tokens."""
    chosen = [row for row in mixture if row["corpus"] in corpora]
    totals = mixture_totals(mixture)
    return {
        "are_in_it": len(chosen) == len(corpora),
        "of_weights_pct": round(100 * sum(row["weight_pct"] for row in chosen) / totals["weight_sum_pct"]),
        "of_tokens_pct": round(
            100 * sum(row["tokens_billion"] for row in chosen) / totals["token_sum_billion"]
        ),
    }


@register
def data_ratios(mixture: Rows, earlier: Values) -> dict[str, float]:
    """Tokens processed, and tokens in the data sets, over an earlier data set (the mean of its estimates)."""
    estimate = mean([earlier["low"], earlier["high"]]) / 1e9
    return {
        "billion_tokens_processed": TOKENS_BILLION,
        "processed_over_data_set": round(TOKENS_BILLION / estimate, 1),
        "data_set_over_data_set": round(mixture_totals(mixture)["token_sum_billion"] / estimate, 1),
    }


@register
def compute_columns(compute: Rows) -> dict[str, float]:
    """Largest deviations in Table D.1, in per cent: operations = factor x N x D, days = operations / day."""
    day = 1e15 * 86_400
    products = [
        row["flops_per_param_token"]
        * row["params_million"]
        * 1e6
        * row["tokens_billion"]
        * 1e9
        / row["flops"]
        for row in compute
    ]
    days = [row["flops"] / day / row["pf_days"] for row in compute]
    return {
        "operations_off_by_pct": round(100 * max(abs(ratio - 1) for ratio in products), 1),
        "days_off_by_pct": round(100 * max(abs(ratio - 1) for ratio in days), 1),
    }


@register
def compute_unit(compute: Rows) -> dict[str, float]:
    """What Table D.1 takes for a petaflop/s-day (over all rows), and operations per weight and token."""
    total = sum(row["flops"] for row in compute) / sum(row["pf_days"] for row in compute)
    decoders = {row["flops_per_param_token"] for row in compute if row["model"].startswith("GPT-3")}
    return {"pf_day_flops": float(f"{total:.3g}"), "per_weight_and_token": max(decoders)}


@register
def magnitude_of(compute: Rows, model: str) -> str:
    """PF-days of a model in words: ones, tens, hundreds, thousands."""
    names = ("ones", "tens", "hundreds", "thousands", "more")
    digits = math.floor(math.log10(_row(compute, "model", model)["pf_days"]))
    return names[min(max(digits, 0), len(names) - 1)]


@register
def tokens_per_parameter(compute: Rows, model: str) -> dict[str, Any]:
    """Training tokens per parameter of a model of Table D.1, and whether all others have more."""
    ratios = {row["model"]: row["tokens_billion"] * 1e9 / (row["params_million"] * 1e6) for row in compute}
    own = ratios.pop(model)
    return {
        "fewest_of_the_table": own < min(ratios.values()),
        "tokens_a_parameter": round(own, 2),
        "next_fewest": round(min(ratios.values()), 1),
    }


@register
def overfitting(joint: Values) -> dict[str, float]:
    """How data must grow with size to hold overfitting, from the two exponents of the joint law."""
    exponent = joint["alpha_N"] / joint["alpha_D"]
    return {"exponent": round(exponent, 2), "data_factor_for_8x": round(8**exponent, 1)}


@register
def share_seen(mixture: Rows, corpus: str) -> float:
    """The share of a corpus that was read, in per cent, if no part was read twice."""
    return round(100 * mixture_epochs(mixture)[corpus])


@register
def attention_shares(
    sizes: Mapping[str, Values], context: int, window: int, vocabulary: int, limit_pct: float
) -> dict[str, Any]:
    """For which sizes attention costs less than ``limit_pct`` of the whole, however it is counted.

    Per token, forward: 24 d^2 a layer for the matrices, 4 d for each key that a position sees in a layer,
    2 d for each entry of the vocabulary. A position sees half of the context in a dense layer, at most the
    window in a banded one. The paper gives neither the window nor whether the output layer counts.

    Args:
        sizes: layers and width of the models (Table 2.1).
        context: tokens in a sequence.
        window: keys in a banded layer, every other one.
        vocabulary: scores that the output layer gives.
        limit_pct: what is small.
    """
    dense = (context + 1) / 2
    banded = window - window * (window - 1) / (2 * context)
    readings = {
        f"{pattern}, {counted}": {
            name: _attention_share(row["layers"], row["d_model"], keys, output) for name, row in sizes.items()
        }
        for pattern, keys in (("alternating", (dense + banded) / 2), ("dense", dense))
        for counted, output in (("output layer counted", vocabulary), ("blocks alone", 0))
    }
    small = {name: all(shares[name] < limit_pct for shares in readings.values()) for name in sizes}
    largest = {reading: max(shares.values()) for reading, shares in readings.items()}
    return small | {f"largest share, {reading}": share for reading, share in largest.items()}


def _attention_share(layers: int, width: int, keys: float, vocabulary: int) -> float:
    attention = 4 * layers * width * keys
    return round(100 * attention / (attention + 24 * layers * width**2 + 2 * width * vocabulary), 1)


@register
def rounded_shares(file: Values) -> dict[str, float]:
    """English and all other languages, in whole per cent, from the published word counts."""
    return {"english": round(file["english"]), "other": round(100 - file["english"])}


@register
def overlap_row(overlap: Rows, benchmark: str) -> dict[str, float]:
    """One row of Table C.1: items, the flagged share, and the drop on its clean part (points, per cent)."""
    row = _row(overlap, "benchmark", benchmark)
    drop = row["all"] - row["clean"]
    return {
        "items": row["items"],
        "flagged_pct": 100 - row["clean_pct"],
        "drop": round(drop, 1),
        "drop_pct": round(100 * drop / row["all"]),
    }


@register
def size_of_a_set(overlap: Rows, benchmark: str, stated: int, chance: float) -> dict[str, float]:
    """Items of a benchmark in Table C.1, and the standard deviation of ``chance`` over ``stated`` ones."""
    return {
        "items": _row(overlap, "benchmark", benchmark)["items"],
        "standard_deviation": round(standard_error(chance, stated), 1),
    }


@register
def flagged_over(overlap: Rows, benchmarks: list[str], percent: float) -> dict[str, Any]:
    """Whether more than ``percent`` of the items of all these benchmarks are flagged, and how many are."""
    flagged = {name: 100 - _row(overlap, "benchmark", name)["clean_pct"] for name in benchmarks}
    return {"all_over": min(flagged.values()) > percent} | flagged


@register
def mostly_flagged(overlap: Rows) -> dict[str, Any]:
    """How many benchmarks of Table C.1 have more than half of their items flagged, and their share."""
    flagged = sum(row["clean_pct"] < 50 for row in overlap)
    return {"benchmarks": flagged, "of": len(overlap), "share": round(flagged / len(overlap), 2)}


@register
def overlap_changes(overlap: Rows) -> dict[str, float]:
    """Rows of Table C.1 whose last column departs by over one point from the change that its scores give.

    Against all items, and against the mean of both scores; scores below 1 are too coarse to say.
    """
    rows = [row for row in overlap if row["all"] >= 1]
    gap = {row["benchmark"]: row["clean"] - row["all"] for row in rows}

    def departing(base: dict[str, float]) -> int:
        return sum(
            abs(100 * gap[row["benchmark"]] / base[row["benchmark"]] - row["change_pct"]) > 1 for row in rows
        )

    return {
        "against_all_items": departing({row["benchmark"]: row["all"] for row in rows}),
        "against_the_mean": departing({row["benchmark"]: mean([row["all"], row["clean"]]) for row in rows}),
    }
