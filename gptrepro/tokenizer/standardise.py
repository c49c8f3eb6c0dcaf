"""GPT-1's road from raw text to words: ftfy, respacing, spaCy, lower case (2018, section 4.1).

What each step loses: ftfy straightens curly quotes, repairs mojibake and normalises to NFC; the
respacing turns every dash into "-", every run of spaces into one and every run of line ends into one;
spaCy's split forgets which words touched; lower-casing forgets capitals. None of it can be undone.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from spacy.tokenizer import Tokenizer as SpacyTokenizer

_LINE_FOR_FTFY = re.compile(r"^[\t\f -%'-~]*[^\t\n\f -%'-~][^\n]*\n?", re.MULTILINE)
"""A line with anything but tab, form feed and printable ASCII without "&"; ftfy leaves the others alone."""

_AS_ASCII = {"—": "-", "–": "-", "―": "-", "…": "...", "´": "'"}
_PUNCTUATION_RUN = re.compile(r"""(([-~!";?+,)(/*\[\]}{|_])\2*)""")
"""The marks that the released code sets apart. Its pattern names a backslash, too, but in a string that is
not raw, where ``\\\\+`` means one more plus sign: a backslash stays with its word."""


_LONGEST_CHUNK = re.compile(r"\S{1,2048}")


def fix_text(text: str, in_markup: bool = False) -> str:
    """``ftfy.fix_text(text)``, which works line by line, without the lines that it leaves alone.

    ``in_markup`` says that a "<" stands before: ``text`` is part of another one.
    """
    import ftfy  # of the extra gpt1, as spaCy is

    markup = text.find("<")

    def fix(line: re.Match[str]) -> str:
        # From the first "<" on, ftfy takes the text for HTML and keeps its entities.
        after_markup = in_markup or 0 <= markup < line.start()
        return str(ftfy.fix_text(line.group(), unescape_html=False if after_markup else "auto"))

    return _LINE_FOR_FTFY.sub(fix, text)


def standardise(text: str, in_markup: bool = False) -> list[list[str]]:
    """The lines of ``text`` as lists of chunks, none empty.

    A chunk is what stands between white space after dashes, the ellipsis and the acute accent (used
    as an apostrophe) have become ASCII and each run of one punctuation mark has been set apart. What goes
    on for more than 2,048 characters, which nothing that people write does, is cut there: spaCy's time grows
    with the square of a chunk.
    """
    text = fix_text(text, in_markup)
    for character, replacement in _AS_ASCII.items():
        text = text.replace(character, replacement)
    text = _PUNCTUATION_RUN.sub(r" \1 ", text)
    return [chunks for line in text.split("\n") if (chunks := _LONGEST_CHUNK.findall(line))]


_WINDOW = 16
"""More characters than spaCy's rules for affixes look at, but for that of dots, which takes them all."""


def _at_start(search: Callable[[str], re.Match[str] | None]) -> Callable[[str], re.Match[str] | None]:
    """The same search for a prefix, of the beginning alone: spaCy takes one off at a time and would each time
    look through all that is left, so that a run of marks would cost the square of its length."""

    def found(text: str) -> re.Match[str] | None:
        match = search(text[:_WINDOW])
        return search(text) if match is not None and match.end() == _WINDOW else match

    return found


def _at_end(search: Callable[[str], re.Match[str] | None]) -> Callable[[str], re.Match[str] | None]:
    """The same search for a suffix, of the end alone."""

    def found(text: str) -> re.Match[str] | None:
        match = search(text[-_WINDOW:])
        return search(text) if match is not None and match.start() == 0 else match

    return found


@cache
def _english() -> tuple[SpacyTokenizer, SpacyTokenizer]:
    """spaCy's English tokenizer, and the same without its last step.

    That step joins tokens again that spell an exception ("a", "." to "a."); it is the only one that
    looks beyond white space, since an exception's parts may also lie in two chunks.
    """
    import spacy  # takes seconds, which only GPT-1 should pay
    from spacy.tokenizer import Tokenizer

    full = spacy.blank("en").tokenizer
    assert isinstance(full, Tokenizer)
    full.prefix_search = _at_start(full.prefix_search)
    full.suffix_search = _at_end(full.suffix_search)
    ready = False

    def later(search: Callable[[str], Any], nothing: Any) -> Callable[[str], Any]:
        return lambda text: search(text) if ready else nothing

    # spaCy registers for the last step the exceptions in which its affix rules find something, and
    # reads the rules afresh for every text: rules that are silent now leave nothing to register.
    stepwise = Tokenizer(
        full.vocab,
        rules=full.rules,
        prefix_search=later(full.prefix_search, None),
        suffix_search=later(full.suffix_search, None),
        infix_finditer=later(full.infix_finditer, []),
        token_match=full.token_match,
        url_match=full.url_match,
    )
    ready = True
    return full, stepwise


def words_of(text: str) -> list[str]:
    """spaCy's tokens of one chunk or of one line of chunks joined by spaces, lower-cased."""
    return [token.text.lower() for token in _english()[0](text)]


@lru_cache(maxsize=2**20)
def stands_alone(chunk: str) -> bool:
    """Whether ``chunk`` has the same words whatever stands around it (nearly all do)."""
    if chunk.isalpha():  # every registered exception holds a mark or a digit
        return True
    full, stepwise = _english()
    return [token.text for token in full(chunk)] == [token.text for token in stepwise(chunk)]


def pieces_of(text: str, in_markup: bool = False) -> list[str]:
    """Chunks of ``text`` whose words do not depend on one another, with ``"\\n"`` between the lines.

    A line that holds a chunk that does not stand alone is one piece: exceptions hold no line end.
    """
    pieces: list[str] = []
    for chunks in standardise(text, in_markup):
        if pieces:
            pieces.append("\n")
        if all(map(stands_alone, chunks)):
            pieces.extend(chunks)
        else:
            pieces.append(" ".join(chunks))
    return pieces
