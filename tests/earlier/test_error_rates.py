"""Error rates by the definition of edit distance, and by hand."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gptrepro.earlier.error_rates import error_rates

phonemes = st.lists(st.sampled_from(["AY", "AY1", "D", "DH", "T", "TH", "", "é"]), max_size=9)


def edit_distance(a, b):
    """Levenshtein's definition: the fewest insertions, deletions and substitutions, by recursion."""
    if not a or not b:
        return len(a) + len(b)
    if a[0] == b[0]:
        return edit_distance(a[1:], b[1:])
    return 1 + min(edit_distance(a[1:], b), edit_distance(a, b[1:]), edit_distance(a[1:], b[1:]))


@settings(deadline=None)  # the library loads at the first word
@given(phonemes, phonemes.filter(bool))
def test_errors_are_counted_as_edits_of_whole_symbols(written, right):
    assert error_rates([written], [[right]]).symbols == 100 * edit_distance(written, right) / len(right)


def test_a_word_is_held_to_the_nearest_accepted_answer():
    answers = [[["L", "AY", "V"], ["L", "IH", "V"]], [["K", "AE", "T"]], [["D", "AO", "G"]]]
    found = error_rates([["L", "IH", "V"], ["K", "AE", "T", "S"], ["B", "AO"]], answers)
    assert found.symbols == pytest.approx(100 * (0 + 1 + 2) / 9)
    assert found.words == pytest.approx(100 * 2 / 3)
    assert found.n == 3


def test_no_words_are_refused():
    with pytest.raises(ValueError, match="at least one word"):
        error_rates([], [])
