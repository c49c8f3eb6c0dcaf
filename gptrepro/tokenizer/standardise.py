"""GPT-1's road from raw text to words: ftfy, respacing, spaCy, lower case (2018, section 4.1).

What each step loses: ftfy straightens curly quotes, repairs mojibake and normalises to NFC; the
respacing turns every dash into "-", every run of spaces into one and every run of line ends into one;
spaCy's split forgets which words touched; lower-casing forgets capitals. None of it can be undone.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

import ftfy

if TYPE_CHECKING:
    from spacy.tokenizer import Tokenizer as SpacyTokenizer

_TOUCHED_BY_FTFY = re.compile(r"[^\t\n\f -%'-~]")
"""Anything but printable ASCII without "&", tab, line feed and form feed."""

_DASHES_AND_QUOTES = str.maketrans({"—": "-", "–": "-", "―": "-", "…": "...", "´": "'"})
_PUNCTUATION_RUN = re.compile(r"""(-+|~+|!+|"+|;+|\?+|\++|,+|\)+|\(+|\\+|/+|\*+|\[+|\]+|\}+|\{+|\|+|_+)""")
_LINE_END = re.compile(r"\s*\n\s*")
_SPACES = re.compile(r"[^\S\n]+")


def fix_text(text: str) -> str:
    """``ftfy.fix_text(text)``, skipping the lines that it leaves alone."""
    if not _TOUCHED_BY_FTFY.search(text):
        return text
    return str(ftfy.fix_text(text))


def standardise(text: str) -> str:
    """Text whose only white space is single spaces between chunks, with line ends as chunks.

    Runs of one punctuation mark become a chunk of their own; dashes, the ellipsis and the acute
    accent used as an apostrophe become ASCII.
    """
    text = fix_text(text).translate(_DASHES_AND_QUOTES)
    text = _PUNCTUATION_RUN.sub(r" \1 ", text)
    text = _LINE_END.sub(" \n ", text)
    return _SPACES.sub(" ", text).strip()


@cache
def english_tokenizer() -> SpacyTokenizer:
    """spaCy's rules for English; they need no trained model."""
    import spacy  # takes seconds to import, which only GPT-1 should pay

    return spacy.blank("en").tokenizer


def words_of(chunk: str) -> list[str]:
    """spaCy's tokens of one chunk of standardised text, lower-cased; a line end stays ``"\\n"``."""
    return [token.text.lower() for token in english_tokenizer()(chunk)]
