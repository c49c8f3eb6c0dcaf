"""What a test set's tokenizer did is undone, and nothing is lost."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gptrepro.tasks.published_texts import PUBLISHED_TEXTS
from gptrepro.text.detokenise import AS_PUBLISHED, RULES, detokenise, retokenise


@pytest.mark.parametrize(
    ("scheme", "published", "plain"),
    [
        (
            "wikitext",
            " a low @-@ cost house , built in 1 @,@ 200 days .",
            " a low-cost house, built in 1,200 days.",
        ),
        ("wikitext", 'He didn \'t say " no " ( or 4 @.@ 5 ) .', 'He didn\'t say "no" (or 4.5).'),
        (
            "ptb",
            " it was n't black monday on mr. smith 's street",
            " it wasn't black monday on mr. smith's street",
        ),
        ("one-billion-word", 'Mr. Bush called it " odd , " too .', 'Mr. Bush called it "odd," too.'),
    ],
)
def test_a_line_reads_as_people_write(scheme, published, plain):
    assert detokenise(published, scheme) == plain
    assert retokenise(plain, scheme) == published


@pytest.mark.parametrize("scheme", RULES)
@given(line=st.text(alphabet="ab1 .,!'\"()@-~$st", max_size=40))
def test_any_line_comes_back(scheme, line):
    assert retokenise(detokenise(line, scheme), scheme) == line


def test_a_line_that_the_way_back_would_change_is_left_behind_a_sign():
    assert detokenise("ends with a plain stop.", "one-billion-word") == "~ends with a plain stop."


@pytest.mark.usefixtures("mirror")
@pytest.mark.parametrize("name", ["wikitext-2", "wikitext-103", "ptb", "one-billion-word"])
def test_a_whole_test_set_comes_back_and_hardly_a_line_is_left_as_it_was(name):
    text = PUBLISHED_TEXTS[name]
    lines = text.lines()
    plain = [detokenise(line, text.scheme) for line in lines]
    assert [retokenise(line, text.scheme) for line in plain] == lines
    assert sum(line.startswith(AS_PUBLISHED) for line in plain) < 0.02 * len(lines)
    assert sum(map(len, plain)) < sum(map(len, lines))
