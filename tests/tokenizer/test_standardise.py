"""The fast road to GPT-1's words ends where the plain one does."""

from __future__ import annotations

import gzip
import json
import re
import time
from pathlib import Path

import ftfy
import pytest
import spacy
from hypothesis import example, given, settings
from hypothesis import strategies as st

from gptrepro.tokenizer.standardise import _WINDOW, fix_text, pieces_of, standardise, stands_alone, words_of
from tests.tokenizer.gpt1_reference import english, reference_standardise, reference_words

GOLDEN = json.loads((Path(__file__).parent / "golden" / "gpt1_standardised.json").read_text())["rows"]
FRAGMENTS = (
    *(
        "'",
        "''",
        "`",
        '"',
        "“",
        "”",
        "’",
        "—",
        "–",
        "…",
        "´",
        "-",
        "--",
        "...",
        ".",
        ",",
        "?!",
        "_",
        "*",
        "/",
        "\\",
        "\\\\",
    ),
    *(" ", "  ", "\n", "\r\n", "\r", "\t", "\f", "\v", "\x1f", "\x85", "\u2028", "\u00a0", "\u200b"),
    *("&amp;", "&lt;", "&", "<", "<b>", ">", "&eacute;", "â€™", "Ã©", "ﬁ", "Ａ", "é", "e\u0301", "\x1b[31m"),
    *("\x00", "\x7f", "\ud83d", "\ude00", "\ufeff", "😀", "中", "İ", "Σ", "ß"),
    *(
        "a",
        "I",
        "s",
        "d.",
        "a.I",
        "id.",
        "wed.",
        "Tis",
        "'em.'",
        "goin'",
        "n''",
        "``x.",
        "'s",
        "n't",
        "can",
        "not",
    ),
    *(
        "U.S.",
        "5p.m.",
        ":-)",
        "<3",
        "o.O",
        ":",
        "=",
        "3",
        "10km",
        "http://a.b/c?d=e",
        "x@y.org",
        "don't",
        "cannot",
    ),
)
mixtures = st.lists(st.sampled_from(FRAGMENTS) | st.text(max_size=3), max_size=24).map("".join)


@given(mixtures)
@example("first <i>line</i>\nsecond &amp; line")
@example("second &amp; first\nthen <i>markup</i> &amp; more")
@settings(max_examples=300, deadline=None)
def test_fix_text_is_that_of_ftfy(text: str) -> None:
    assert fix_text(text) == ftfy.fix_text(text)


@pytest.mark.parametrize(
    "text", ["a" * 1_000_010 + " &amp; <b>&amp;", "é" * 1_000_010 + " &amp;\nx <b> &amp;"]
)
def test_fix_text_is_that_of_ftfy_beyond_its_longest_segment(text: str) -> None:
    assert fix_text(text) == ftfy.fix_text(text)


def test_lines_and_chunks_are_those_of_the_released_code() -> None:
    """Its pattern is not a raw string, so that a backslash is not set apart."""
    expected = {row["text"]: row["standardised"] for row in GOLDEN}
    ours = {text: " \n ".join(" ".join(chunks) for chunks in standardise(text)) for text in expected}
    assert ours == expected
    assert {text: reference_standardise(text) for text in expected} == expected


@given(mixtures)
@settings(max_examples=300, deadline=None)
def test_lines_and_chunks_are_those_of_the_reference(text: str) -> None:
    assert " \n ".join(" ".join(chunks) for chunks in standardise(text)) == reference_standardise(text)


@given(mixtures)
@example("' d.Tis")  # the two chunks apart are: ', d., Tis
@example("d.Tis\n' d.Tis")
@settings(max_examples=300, deadline=None)
def test_words_of_the_pieces_are_the_words_of_the_text(text: str) -> None:
    assert [word for piece in pieces_of(text) for word in words_of(piece)] == reference_words(text)


@pytest.mark.parametrize("end", ["", "word", "d.", "'s"])
@pytest.mark.parametrize("mark", [":", "=", "'", ".", "..:", "€", "1.", "km"])
def test_runs_of_marks_have_the_words_of_the_text(mark: str, end: str) -> None:
    for text in (mark * 40 + end, end + mark * 40, f"{mark * 40}{end} d.Tis {end}{mark * 40}"):
        assert [word for piece in pieces_of(text) for word in words_of(piece)] == reference_words(text)


def test_affixes_are_narrower_than_the_window() -> None:
    """What lets spaCy look at the ends of a chunk alone: only dots go on without end."""
    defaults = spacy.blank("en").Defaults
    widths = {
        pattern: re._parser.parse(pattern).getwidth()[1]  # type: ignore[attr-defined]
        for pattern in (*defaults.prefixes, *defaults.suffixes)
    }
    assert [pattern for pattern, width in widths.items() if width > _WINDOW // 2] == [r"\.\.+"]


@pytest.mark.parametrize("mark", [":", "'", "€", "a:", ".", "+"])
def test_a_run_of_marks_costs_its_length(mark: str) -> None:
    words_of("spaCy is loaded.")
    began = time.perf_counter()
    pieces = pieces_of(mark * (16_000 // len(mark)))
    words = [word for piece in pieces for word in words_of(piece)]
    assert "".join(words) == mark * (16_000 // len(mark))
    assert time.perf_counter() - began < 3  # a tenth of it where nothing else runs; it was 40


def test_exceptions_that_spacy_matches_across_tokens_are_not_all_letters() -> None:
    """What lets ``stands_alone`` answer for a word of letters without asking spaCy."""
    rules = english()
    registered = [
        text
        for text in rules.rules
        if rules.find_prefix(text) or rules.find_suffix(text) or rules.find_infix(text)
    ]
    assert len(registered) > 100
    assert not any(text.isalpha() for text in registered)


def test_a_chunk_that_an_exception_can_reach_into_does_not_stand_alone() -> None:
    assert not stands_alone("d.Tis")
    assert stands_alone("don't") and stands_alone("Mr.") and stands_alone("witch")


@pytest.mark.mirror
@pytest.mark.parametrize("book", ["Austen_Emma", "Bennet_Imperial_1930"])
def test_words_of_real_novels(mirror: Path, book: str) -> None:
    path = mirror / "books" / f"{book}.txt.gz"
    text = gzip.decompress(path.read_bytes()).decode()[:200_000]
    assert [word for piece in pieces_of(text) for word in words_of(piece)] == reference_words(text)
