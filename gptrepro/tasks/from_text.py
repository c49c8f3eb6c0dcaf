"""Labelled tasks made of running text: which sentence comes next, and are the words in order?

They ask of novels what Story Cloze and CoLA ask of texts written for the purpose. Nobody labels a row: the
text is right, and what is wrong is made from it by a stated rule. The rows of a document come in stretches
of 200 sentences; nothing in a row comes from another stretch, so that parts cut by stretch share no text.
The rows are the same on every machine (`gptrepro.text.order.random_words`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Any

from gptrepro.text.order import random_words

Row = dict[str, Any]

STRETCH = 200
"""Sentences in a stretch: some ten pages."""

PASSAGE = 3
"""Sentences before the one that is asked for; Story Cloze has four, and shorter ones."""
MOST_WORDS = 70
"""Of a passage with its ending: 95 tokens or so."""
LEAST_ENDING = 4
"""Words of an ending: "Yes." could follow anything."""
LENGTHS_APART = 3
"""The most words by which the two endings of a row differ."""

WORDS = range(8, 26)
"""Words of a sentence whose order is asked about."""
SPAN = 3
"""Words that stand in reverse order where the order is disturbed."""

_SEED = 0
_STAGE_DIRECTION = re.compile(r"\[[^\]]*\]")
_STOP = re.compile(r"""[.?!]["')]*\s+(?=["'(]*[A-Z])""")
_ABBREVIATION = re.compile(r"""(?:^|[\s"'(])(?:[A-Z]|Mr|Mrs|Messrs|Dr|St|Rev|Esq)\.\s+$""")
_SENTENCE = re.compile(r"""["'(]*[A-Z].*[.?!]["')]*""")


def sentences(paragraph: str) -> list[str]:
    """A paragraph cut after each full stop, question mark or exclamation mark, with the quotation marks that
    close there, where a capital letter follows. The stop of a title (Mr.) or an initial ends nothing."""
    found, start = [], 0
    for stop in _STOP.finditer(paragraph):
        if not _ABBREVIATION.search(paragraph, start, stop.end()):
            found.append(paragraph[start : stop.end()].rstrip())
            start = stop.end()
    return [*found, paragraph[start:].rstrip()]


def runs(document: str) -> Iterator[list[str]]:
    """Sentences that follow one another. What is no sentence (a heading, a line of verse) ends a run.

    A paragraph is a line or, in a document with blank lines, a block of lines: a play. There a first line in
    capitals names the speaker and is left out, as stage directions in brackets are.
    """
    blocks = "\n\n" in document
    text = _STAGE_DIRECTION.sub(" ", document) if blocks else document
    run: list[str] = []
    for paragraph in text.split("\n\n" if blocks else "\n"):
        lines = paragraph.strip().split("\n")
        spoken = lines[1:] if lines[0].isupper() else lines
        for sentence in sentences(" ".join(" ".join(spoken).split())):
            if _SENTENCE.fullmatch(sentence) and not sentence.isupper():
                run.append(sentence)
            else:
                yield run
                run = []
    yield run


def stretches(documents: Iterable[str]) -> Iterator[list[list[str]]]:
    """The runs of each document in order, 200 sentences at a time; a run across the border is cut there."""
    for document in documents:
        stretch: list[list[str]] = []
        room = STRETCH
        for run in runs(document):
            while run:
                stretch.append(run[:room])
                run = run[room:]
                room -= len(stretch[-1])
                if not room:
                    yield stretch
                    stretch, room = [], STRETCH
        if stretch:
            yield stretch


def continuations(documents: Iterable[str]) -> Iterator[Row]:
    """Passages, each with the sentence that follows it and one that does not.

    Two passages of a stretch whose endings are about equally long, and alike in the quotation marks around
    them, share their endings: each is right once and wrong once. Who sees the endings alone can only guess.
    """
    seen: set[str] = set()
    for number, stretch in enumerate(stretches(documents)):
        passages = [passage for run in stretch for passage in _passages(run, seen)]
        coins = iter(random_words(_SEED, number, len(passages)).tolist())
        for _, group in groupby(sorted(passages, key=_form), key=lambda passage: _form(passage)[:2]):
            alike = list(group)
            while len(alike) > 1:
                pair = alike[:2]
                if _form(pair[1])[2] - _form(pair[0])[2] > LENGTHS_APART:
                    del alike[0]
                    continue
                del alike[:2]
                for own, other in (pair, pair[::-1]):
                    label = next(coins) % 2
                    yield {
                        "stretch": stretch[0][0],
                        "passage": " ".join(own[:-1]),
                        "endings": [other[-1], own[-1]] if label else [own[-1], other[-1]],
                        "label": label,
                    }


def _passages(run: list[str], seen: set[str]) -> Iterator[list[str]]:
    """Consecutive sentences that are short enough, the last an ending; no sentence is in two, and no ending
    has been ``seen``."""
    start = 0
    while start + PASSAGE < len(run):
        passage = run[start : start + PASSAGE + 1]
        ending = passage[-1]
        if (
            sum(len(sentence.split()) for sentence in passage) <= MOST_WORDS
            and len(ending.split()) >= LEAST_ENDING
            and ending not in seen
        ):
            seen.add(ending)
            yield passage
            start += len(passage)
        else:
            start += 1


def _form(passage: list[str]) -> tuple[bool, bool, int, str]:
    """What the two endings of a row must have in common, and the order in which they are paired."""
    ending = passage[-1]
    return ending[0] in "\"'(", ending[-1] in "\"')", len(ending.split()), ending


def word_orders(documents: Iterable[str]) -> Iterator[Row]:
    """Sentences as they are, and sentences in which three neighbouring words stand in reverse order.

    The three are words of small letters without punctuation, neither first nor last, so that capitals and
    punctuation keep their places. A sentence without such words is left out, and one that came before.
    """
    seen: set[str] = set()
    for number, stretch in enumerate(stretches(documents)):
        words = random_words(_SEED, number, 2 * STRETCH).tolist()
        for i, sentence in enumerate(sentence for run in stretch for sentence in run):
            places = _reversible(sentence.split())
            if places and sentence not in seen:
                seen.add(sentence)
                label = words[2 * i] % 2
                place = places[words[2 * i + 1] % len(places)]
                yield {
                    "stretch": stretch[0][0],
                    "sentence": sentence if label else _reversed(sentence.split(), place),
                    "label": label,
                }


def _reversible(words: list[str]) -> list[int]:
    """Where words can be reversed, each place by its first word; none in a sentence too short or too long."""
    if len(words) not in WORDS:
        return []
    plain = [word.isascii() and word.isalpha() and word.islower() for word in words]
    return [
        i
        for i in range(1, len(words) - SPAN)
        if all(plain[i : i + SPAN]) and words[i : i + SPAN] != words[i : i + SPAN][::-1]
    ]


def _reversed(words: list[str], place: int) -> str:
    return " ".join([*words[:place], *words[place : place + SPAN][::-1], *words[place + SPAN :]])
