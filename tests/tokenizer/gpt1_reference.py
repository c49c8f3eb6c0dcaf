"""GPT-1's encoder as slowly and plainly as the paper states it: the oracle of these tests.

Its respacing is itself held to what the released code gave (``golden/gpt1_standardised.json``).
"""

from __future__ import annotations

import re
from functools import cache
from itertools import groupby, pairwise
from typing import Any

import ftfy
import spacy

END = "</w>"
SET_APART = frozenset('-~!";?+,)(/*[]}{|_')
"""As ``golden/gpt1_standardised.json`` has it, which the released code made."""


@cache
def english() -> Any:
    return spacy.blank("en").tokenizer


def reference_standardise(text: str) -> str:
    text = ftfy.fix_text(text)
    for dash in "—–―":
        text = text.replace(dash, "-")
    text = text.replace("…", "...").replace("´", "'")
    runs = ("".join(run) for _, run in groupby(text))
    text = "".join(f" {run} " if run[0] in SET_APART else run for run in runs)
    text = re.sub(r"\s*\n\s*", " \n ", text)
    return re.sub(r"[^\S\n]+", " ", text).strip()


def reference_words(text: str) -> list[str]:
    """spaCy's tokens of the whole text in one go, lower-cased, the line end without its space."""
    words = [token.text.lower() for token in english()(reference_standardise(text))]
    return ["\n" if word == "\n " else word for word in words]


def reference_bpe(word: str, ranks: dict[tuple[str, str], int]) -> list[str]:
    """Merge the pair of lowest rank, everywhere in the word, until none is left."""
    symbols = [*word[:-1], word[-1] + END]
    while True:
        pairs = [pair for pair in pairwise(symbols) if pair in ranks]
        if not pairs:
            return symbols
        best = min(pairs, key=ranks.__getitem__)
        merged: list[str] = []
        for symbol in symbols:
            if merged and (merged[-1], symbol) == best:
                merged[-1] += symbol
            else:
                merged.append(symbol)
        symbols = merged


def reference_encode(text: str, vocab: dict[str, int], merges: list[tuple[str, str]]) -> list[int]:
    ranks = {merge: rank for rank, merge in enumerate(merges)}
    return [
        vocab.get(symbol, vocab["<unk>"])
        for word in reference_words(text)
        for symbol in reference_bpe(word, ranks)
    ]
