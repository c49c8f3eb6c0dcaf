"""Spelling to sound: words and their pronunciations, and a constructed stand-in that needs no dictionary.

The task is a translation in miniature, with letters for the source language and phonemes for the target:
the lengths differ, the order is kept, and one letter can stand for several sounds or for none.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from gptrepro.tasks.parts import Part, hashed, place_of

_WORD = re.compile(r"[a-z]+")
_ALTERNATIVE = re.compile(r"\(\d+\)$")
_STRESS = re.compile(r"\d$")


@dataclass(frozen=True)
class WordPair:
    """A word and what should become of it."""

    word: str
    answers: tuple[tuple[str, ...], ...]
    """Every accepted output. The first is the one to train on; a test accepts each of them."""


def read_pronunciations(lines: Iterable[str]) -> list[WordPair]:
    """The words of the CMU pronouncing dictionary (``load_corpus("pronunciations", split="all")``).

    A line is ``word PH ON EM ES``, with ``word(2)`` for an alternative and ``#`` before a remark. We keep
    words of the letters a to z, and drop the digits that mark stress, which leaves 39 phonemes. Alternatives
    that differ in stress alone fall together. The first pronunciation listed is the one to train on.

    Args:
        lines: of the dictionary, alternatives after their word.
    """
    answers: dict[str, list[tuple[str, ...]]] = {}
    for line in lines:
        entry, *phonemes = line.partition("#")[0].split()
        word = _ALTERNATIVE.sub("", entry)
        if _WORD.fullmatch(word):
            sounds = tuple(_STRESS.sub("", phoneme) for phoneme in phonemes)
            known = answers.setdefault(word, [])
            if sounds not in known:
                known.append(sounds)
    return [WordPair(word, tuple(known)) for word, known in answers.items()]


def reversed_words(documents: Iterable[str]) -> list[WordPair]:
    """Each word of a text once, to be spelt backwards: a constructed task for tests without the dictionary.

    Args:
        documents: running text; its words are taken in lower case.
    """
    words = dict.fromkeys(word for text in documents for word in _WORD.findall(text.lower()))
    return [WordPair(word, (tuple(reversed(word)),)) for word in words]


def part_of(word: str) -> Part:
    """Where a word belongs, by its hash alone: 17 in 20 to train on, 1 to watch, 2 to test.

    The split is by word, so the relatives of a test word (its plural, its past tense) may be in training.
    """
    return _PARTS[place_of(word, len(_PARTS))]


_PARTS: tuple[Part, ...] = ("dev", "test", "test", *("train",) * 17)


def take_part(pairs: Iterable[WordPair], part: Part) -> list[WordPair]:
    """The pairs of one part, in the order of their hashes: the first n of them are a random sample."""
    return sorted((pair for pair in pairs if part_of(pair.word) == part), key=lambda pair: hashed(pair.word))
