"""How far a written sequence is from the right one: edit distance, and error rates over many words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class ErrorRates:
    """Errors of a set of words, in percent."""

    symbols: float
    """Edits a symbol of the right answers; for phonemes it is the phoneme error rate."""
    words: float
    """Words with at least one error."""
    n: int
    """Words that were scored."""


def error_rates(written: Sequence[Sequence[str]], answers: Sequence[Sequence[Sequence[str]]]) -> ErrorRates:
    """Score what was written, each word against the nearest of its accepted answers.

    Args:
        written: one output a word.
        answers: the accepted outputs of each word, at least one.

    Raises:
        ValueError: no words, or another number of answers than of outputs.
    """
    from rapidfuzz.distance import Levenshtein  # of the extra judge

    if not written:
        raise ValueError("error rates need at least one word")
    edits = symbols = wrong = 0
    for output, accepted in zip(written, answers, strict=True):
        distance, length = min((Levenshtein.distance(output, answer), len(answer)) for answer in accepted)
        edits, symbols, wrong = edits + distance, symbols + length, wrong + (distance > 0)
    return ErrorRates(100 * edits / symbols, 100 * wrong / len(written), len(written))
