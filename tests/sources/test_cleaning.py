"""Cleaning, on small texts with the quirks of real files and on the real files where they are."""

from __future__ import annotations

import gzip
import re
import textwrap
from itertools import accumulate
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from gptrepro.sources.cleaning import clean, repair_accents
from gptrepro.sources.corpora import load_corpus

PARAGRAPHS = [
    "The lamp had gone out an hour ago, and nobody in the long room had risen to light it again, for the "
    "fire gave enough of a glow to see faces by, if not quite enough to read them.",
    '"You are late," said the elder of the two brothers, without turning his head from the window, where '
    "the snow had begun to fall.",
    '"I am," said the other.',
    "Neither spoke again until the clock on the stairs had struck, slowly and with a catch before the last "
    "stroke, the hour that both of them had been waiting for since noon.",
]


def wrapped(separator: str, width: int = 66) -> str:
    return separator.join(textwrap.fill(paragraph, width) for paragraph in PARAGRAPHS)


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
def test_blank_lines_separate_paragraphs(ending: str) -> None:
    text = "\ufeff" + wrapped("\n\n").replace("\n", ending)
    assert clean(text, "prose").split("\n") == PARAGRAPHS


def test_without_blank_lines_a_short_line_ends_a_paragraph() -> None:
    assert clean(wrapped("\n"), "prose").split("\n") == PARAGRAPHS


def test_without_blank_lines_an_indented_line_begins_one() -> None:
    full = "x" * 20 + " y" * 23  # its last line leaves no room
    text = wrapped("\n    ") + f"\n    {full}\n    Another paragraph, which only its indentation shows."
    lines = clean(text, "prose").split("\n")
    assert lines[:4] == PARAGRAPHS
    assert lines[-1].startswith("Another paragraph")


def test_unwrapped_files_keep_their_paragraphs() -> None:
    assert clean("\n".join(PARAGRAPHS), "prose").split("\n") == PARAGRAPHS
    assert clean("\n\n\n".join(PARAGRAPHS), "prose").split("\n") == PARAGRAPHS


def test_paragraphs_cut_near_1024_characters_are_joined() -> None:
    sentence = "He walked on and on along the river, counting the bridges as he went, "
    long = (sentence * 30).strip()
    cut = long[:1020].rsplit(" ", 1)[0]
    text = "\n".join([cut, long[len(cut) + 1 :] + " until it rained.", "It rained."])
    assert clean(text, "prose").split("\n") == [f"{long} until it rained.", "It rained."]


def test_verse_keeps_its_lines() -> None:
    song = "Down by the mill the waters ran,\nBut never a wheel went round,\nAnd never a man came home."
    text = wrapped("\n\n") + "\n\n" + textwrap.indent(song, "    ") + "\n\n" + wrapped("\n\n")
    assert song in clean(text, "prose")


def test_a_word_cut_at_its_hyphen_stays_whole() -> None:
    filler = "a long line of prose that is there to set the width of the wrap ok"
    text = f"{filler}\nthe cattle, he said to the stranger, were the only hedge-\ncutters of the place.\n\n"
    assert "the only hedge-cutters of" in clean(text * 3, "prose")


def test_dashes_and_quotation_marks_are_typed() -> None:
    text = "“No”—he said--‘never’ ; it is 1914–18 – or so -- and\xa0 she did n't . . . go ."
    assert (
        clean(text, "prose")
        == "\"No\" - he said - 'never'; it is 1914–18 - or so - and she did n't . . . go."
    )


def test_emphasis_and_control_characters_go() -> None:
    assert clean("It was _his_ hat,\x00 not _her\nown_.", "prose") == "It was his hat, not her own."
    assert clean("One page. \x0c Next page\x07.", "page") == "One page.\n Next page."


@pytest.mark.parametrize(
    ("damaged", "repaired"),
    [
        ("a coupť, a faÁade, a rŰle, Dšmmrung, plŲtzlich", "a coupé, a façade, a rôle, Dämmrung, plötzlich"),
        ("the protĂŠgĂŠe of his lordship", "the protégée of his lordship"),
        ("Madame CarrĂ  spoke of the ThĂ Ă tre FranĂ ais.", "Madame Carré spoke of the Théâtre Français."),
        ("a Provenτal poet, mein glΣubiges Herz", "a Provençal poet, mein gläubiges Herz"),
        ("assured of Äš 10,000 a year", "assured of £10,000 a year"),
    ],
)  # fmt: skip
def test_wrong_decodings_are_undone(damaged: str, repaired: str) -> None:
    assert repair_accents(damaged) == repaired


@pytest.mark.parametrize(
    "right",
    ["Á propos, said I, the café's façade", "ΜΗΤΗΡ καὶ πατήρ", "Škoda and Žižek", "naïve señor £5 3°"],
)
def test_right_accents_are_left_alone(right: str) -> None:
    assert repair_accents(right) == right


def test_plays_keep_their_shape() -> None:
    text = "\r\n\r\nHAMLET\r\n\r\n\r\n\r\nBer.  \r\nWho's there?        10\r\n  Nay, answer _me_.\r\n\r\n"
    assert clean(text, "verse") == "HAMLET\n\nBer.\nWho's there?\n  Nay, answer me."


def test_benchmarks_are_left_as_they_are() -> None:
    text = " no it was n't \r\n\ufeff <unk> N \n"
    assert clean(text, "as-is") == text


@given(st.text(alphabet=st.sampled_from("ab\"'.,-?—_ \n\r\t\x0cťé "), max_size=200))
def test_prose_is_clean_whatever_came_in(text: str) -> None:
    cleaned = clean(text, "prose")
    assert not re.search(r"[\r\t\x0c\xa0—ť]|  |\n\n|^\s|\s$| \n", cleaned)
    letters = re.sub("[^ab]", "", text)
    assert re.sub("[^ab]", "", cleaned) == letters  # nothing but marks and spaces is lost


@pytest.mark.mirror
def test_words_agree_with_the_mirrors_own_count(mirror: Path) -> None:
    manifest = yaml.safe_load((mirror / "MANIFEST.yml").read_text(encoding="utf-8"))
    rows = [
        row for entry in manifest["datasets"] if entry["name"] == "books-heldout" for row in entry["files"]
    ]
    for row in rows:
        text = gzip.decompress((mirror / row["file"]).read_bytes()).decode()
        words = len(clean(text, "prose").split())
        assert words == pytest.approx(row["words_after_cleaning"], rel=0.001)


@pytest.mark.mirror
@pytest.mark.parametrize(
    "name", ["books/Bennet_Babylon_1902", "books/Hardy_Tess_1891", "books/Wcollins_Basil_1852"]
)
def test_paragraph_ends_are_found_without_the_blank_lines(mirror: Path, name: str) -> None:
    """Blank lines tell the truth; without them, nine in ten paragraph ends are found, and few others."""
    text = gzip.decompress((mirror / f"{name}.txt.gz").read_bytes()).decode("utf-8-sig").replace("\r\n", "\n")
    without = re.sub(r"\n\s*\n+", "\n", text)
    truth, found = (_ends(clean(version, "prose")) for version in (text, without))
    assert len(truth & found) / len(truth) > 0.88
    assert len(truth & found) / len(found) > 0.93


def _ends(cleaned: str) -> set[int]:
    """Where paragraphs end, counted in characters that are not blank."""
    return set(accumulate(len(line.replace(" ", "")) for line in cleaned.split("\n")))


@pytest.mark.mirror
def test_nothing_odd_is_left_in_the_novels(mirror: Path) -> None:
    for document in load_corpus("books", split="heldout").documents():
        assert not re.search(r"[\r\t\x0c\xa0_]|  |--|\n\n| \n|[‘’“”—]", document)
        lines = document.split("\n")
        assert sum(map(len, lines)) / len(lines) > 120  # paragraphs, not lines
