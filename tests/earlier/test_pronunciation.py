"""Words and pronunciations: how a dictionary is read, and parts that depend on the word alone."""

from __future__ import annotations

from collections import Counter

from gptrepro.earlier.pronunciation import WordPair, part_of, read_pronunciations, reversed_words, take_part

LINES = [
    "'bout B AW1 T",
    "aalborg AO1 L B AO0 R G # place, danish",
    "live L AY1 V",
    "live(2) L IH1 V",
    "record R AH0 K AO1 R D",
    "record(2) R EH1 K ER0 D",
    "record(3) R AH1 K AO0 R D",
    "jean-luc ZH AA1 N L UW1 K",
]


def test_a_dictionary_becomes_words_with_their_accepted_answers():
    assert read_pronunciations(LINES) == [
        WordPair("aalborg", (("AO", "L", "B", "AO", "R", "G"),)),
        WordPair("live", (("L", "AY", "V"), ("L", "IH", "V"))),
        # the third differs from the first in stress alone
        WordPair("record", (("R", "AH", "K", "AO", "R", "D"), ("R", "EH", "K", "ER", "D"))),
    ]


def test_words_of_a_text_are_reversed_once_each():
    assert [
        (pair.word, "".join(pair.answers[0])) for pair in reversed_words(["To be, or not", "to BE?"])
    ] == [
        ("to", "ot"),
        ("be", "eb"),
        ("or", "ro"),
        ("not", "ton"),
    ]


def test_parts_are_disjoint_complete_and_of_the_stated_sizes():
    pairs = [WordPair(f"word{i}", (("A",),)) for i in range(20_000)]
    parts = {part: take_part(pairs, part) for part in ("train", "dev", "test")}
    assert Counter(pair.word for rows in parts.values() for pair in rows) == Counter(p.word for p in pairs)
    for part, share in (("train", 0.85), ("dev", 0.05), ("test", 0.1)):
        assert abs(len(parts[part]) / len(pairs) - share) < 0.01


def test_a_word_keeps_its_part_whatever_stands_beside_it():
    pairs = [WordPair(word, (("A",),)) for word in ("phoneme", "attention", "memory", "letter", "sound")]
    for pair in pairs:
        assert pair in take_part(pairs[::-1], part_of(pair.word))
    # written down, so that no change of the hash moves test words into training unseen
    words = ("phoneme", "winter", "translation", "of", "knowledge", "philosophy", "doubt")
    assert [part_of(word) for word in words] == ["train", "test", "train", "train", "test", "test", "test"]


def test_the_first_words_of_a_part_are_no_run_of_the_alphabet():
    pairs = [
        WordPair(chr(97 + i // 676) + chr(97 + i // 26 % 26) + chr(97 + i % 26), ()) for i in range(17_576)
    ]
    initials = Counter(pair.word[0] for pair in take_part(pairs, "test")[:260])
    assert len(initials) == 26 and max(initials.values()) < 26
