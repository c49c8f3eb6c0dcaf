"""Values of claims as short text."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Any

_SYMBOL = re.compile(r"(alpha|[A-Z])_\w+")
"""The papers' own symbols, such as N_c, stay as they are; in all other names "_" stands for a space."""

_MODEL = re.compile(r"gpt([123])(?:[-_](\w.*))?")

_WHOLE = {
    "d_model": "width",
    "n_heads": "heads",
    "d_head": "width of a head",
    "printed_million": "millions of parameters, printed",
    "f1": "F1",
    "xl": "XL",
    "t": "tokens",
    "K0": "no examples",
    "K1": "one example",
    "K8": "8 examples",
    "K32": "32 examples",
    "eps": "epsilon",
    "en_fr": "English to French",
    "fr_en": "French to English",
    "en_ro_gap": "gap into Romanian",
    "pf_day_flops": "FLOPs of a petaflop/s-day",
    "counted_for_each_block": "counted in each block",
    "size_GB": "gigabytes",
    "times_gpt1": "times as many as GPT-1",
}
"""What readers call a part of a value whose own name is short for it."""

_WORDS = {
    "acc": "accuracy",
    "ppl": "perplexity",
    "bpb": "bits per byte",
    "bpc": "bits per character",
    "lr": "learning rate",
    "std": "standard deviation",
    "emb": "embedding",
    "pos": "position",
    "wpe": "position embedding",
    "wte": "token embedding",
    "vocab": "vocabulary",
    "lm": "language model",
    "lstm": "LSTM",
    "en": "English",
    "fr": "French",
    "de": "German",
    "ro": "Romanian",
    "english": "English",
    "french": "French",
    "german": "German",
    "romanian": "Romanian",
    "min": "least",
    "max": "largest",
    "f1": "F1",
    "f1a": "F1 over all answers",
}


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
        small = 1e-8 < abs(value) < 1e-4
        return f"{Decimal(f'{value:g}'):f}" if small else f"{value:g}"
    return label(value) if _MODEL.fullmatch(str(value)) else str(value)


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
    """The name of a part of a value, in readers' words; its unit "_pct" is left to the number."""
    text = str(key)
    if text in _WHOLE or _SYMBOL.fullmatch(text):
        return _WHOLE.get(text, text)
    if re.fullmatch(r"\d+(\.\d+)?b", text):  # billions of parameters
        return text.upper()
    if model := _MODEL.fullmatch(text):
        size = model[2] or ""
        size = size.upper() if size == "xl" or size[:1].isdigit() else size
        return f"GPT-{model[1]} {size}".rstrip()
    words = text.removesuffix("_pct").replace("_", " ").split(" ")
    return " ".join(_MODEL.sub(r"GPT-\1", _WORDS.get(word, word)) for word in words)


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
