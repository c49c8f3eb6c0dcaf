"""Edit distance by its axioms and textbook cases; error rates by hand."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gptrepro.earlier.error_rates import edit_distance, error_rates

short = st.text(alphabet="abc", max_size=8)


@pytest.mark.parametrize(
    ("a", "b", "distance"),
    [("kitten", "sitting", 3), ("", "abc", 3), ("flaw", "lawn", 2), ("same", "same", 0)],
)
def test_known_distances(a, b, distance):
    assert edit_distance(a, b) == distance


@given(short, short, short)
def test_it_is_a_metric(a, b, c):
    assert edit_distance(a, b) == edit_distance(b, a)
    assert (edit_distance(a, b) == 0) == (a == b)
    assert edit_distance(a, c) <= edit_distance(a, b) + edit_distance(b, c)


def test_a_word_is_held_to_the_nearest_accepted_answer():
    answers = [[["L", "AY", "V"], ["L", "IH", "V"]], [["K", "AE", "T"]], [["D", "AO", "G"]]]
    found = error_rates([["L", "IH", "V"], ["K", "AE", "T", "S"], ["B", "AO"]], answers)
    assert found.symbols == pytest.approx(100 * (0 + 1 + 2) / 9)
    assert found.words == pytest.approx(100 * 2 / 3)
    assert found.n == 3


def test_no_words_are_refused():
    with pytest.raises(ValueError, match="at least one word"):
        error_rates([], [])
