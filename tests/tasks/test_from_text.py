"""Rows made of running text: right and wrong differ in what is asked for and in nothing else."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression

from gptrepro.sources.catalogue import catalogue
from gptrepro.sources.corpora import load_corpus
from gptrepro.tasks.from_text import (
    LENGTHS_APART,
    MOST_WORDS,
    PASSAGE,
    SPAN,
    STRETCH,
    Row,
    continuations,
    runs,
    sentences,
    stretches,
    word_orders,
)
from gptrepro.tasks.gpt1 import find_task
from gptrepro.tasks.labelled import TaskData, load_task


@pytest.fixture(scope="module")
def plays() -> list[str]:
    return list(load_corpus("plays", "heldout").documents())


def true_sentences(documents: list[str]) -> set[str]:
    return {sentence for document in documents for run in runs(document) for sentence in run}


@pytest.mark.parametrize(
    ("paragraph", "cut"),
    [
        ("He came. She went.", ["He came.", "She went."]),
        ('"Hello!" said he. "Who is it?" No one.', ['"Hello!" said he.', '"Who is it?"', "No one."]),
        ("Mr. Beebe met Dr. A. Smith. He bowed.", ["Mr. Beebe met Dr. A. Smith.", "He bowed."]),
        ("'Go. I stay.' They went... slowly.", ["'Go.", "I stay.'", "They went... slowly."]),
        ("a heading", ["a heading"]),
    ],
)
def test_where_sentences_end(paragraph: str, cut: list[str]) -> None:
    assert sentences(paragraph) == cut


def test_headings_end_a_run_and_speakers_do_not() -> None:
    novel = "Chapter I\nHe came. She went.\nThey met.\nPART TWO\nIt rained."
    assert [run for run in runs(novel) if run] == [["He came.", "She went.", "They met."], ["It rained."]]
    play = "ROSS.\nWho? A king.\nCome. [Exit.]\n\nBANQUO.\nSo be it.\n\nSCENE I. A heath\n\nROSS.\nStay!"
    assert [run for run in runs(play) if run] == [["Who?", "A king.", "Come.", "So be it."], ["Stay!"]]


def test_stretches_are_the_text_in_order(plays: list[str]) -> None:
    for document in plays:
        found = list(stretches([document]))
        assert [s for stretch in found for run in stretch for s in run] == [
            sentence for run in runs(document) for sentence in run
        ]
        sizes = [sum(map(len, stretch)) for stretch in found]
        assert set(sizes[:-1]) == {STRETCH} and 0 < sizes[-1] <= STRETCH


def test_of_two_endings_one_follows_and_the_other_comes_from_the_same_stretch(plays: list[str]) -> None:
    in_order = [[s for run in stretch for s in run] for stretch in stretches(plays)]
    rows = list(continuations(plays))
    assert len(rows) > 200
    for row in rows:
        true, false = row["endings"][row["label"]], row["endings"][1 - row["label"]]
        assert true != false
        home = next(stretch for stretch in in_order if stretch[0] == row["stretch"])
        at = [i for i, s in enumerate(home) if s == true]
        assert row["passage"] in {" ".join(home[i - PASSAGE : i]) for i in at}
        assert false in home
        assert abs(len(true.split()) - len(false.split())) <= LENGTHS_APART
        assert true[0] in "\"'(" if false[0] in "\"'(" else true[0] not in "\"'("
        assert len(f"{row['passage']} {true}".split()) <= MOST_WORDS


def test_each_ending_is_as_often_right_as_wrong(plays: list[str]) -> None:
    rows = list(continuations(plays))
    right = Counter(row["endings"][row["label"]] for row in rows)
    wrong = Counter(row["endings"][1 - row["label"]] for row in rows)
    assert right == wrong and set(right.values()) == {1}


def test_a_disturbed_sentence_has_the_same_words_and_marks_in_the_same_places(plays: list[str]) -> None:
    true = true_sentences(plays)
    by_words = {" ".join(sorted(s.split())): s for s in true}
    disturbed = [row["sentence"] for row in word_orders(plays) if not row["label"]]
    assert len(disturbed) > 500
    for sentence in disturbed:
        original = by_words[" ".join(sorted(sentence.split()))].split()
        words = sentence.split()
        moved = [i for i, (a, b) in enumerate(zip(words, original, strict=True)) if a != b]
        assert moved and moved[-1] - moved[0] == SPAN - 1
        assert all(words[i].isalpha() and words[i].islower() for i in moved)
        assert moved[0] > 0 and moved[-1] < len(words) - 1
        assert words[moved[0] : moved[-1] + 1] == original[moved[0] : moved[-1] + 1][::-1]


def test_a_sentence_in_order_is_the_text_and_none_comes_twice(plays: list[str]) -> None:
    true = true_sentences(plays)
    rows = list(word_orders(plays))
    assert all((row["sentence"] in true) == bool(row["label"]) for row in rows)
    counts = Counter(" ".join(sorted(row["sentence"].split())) for row in rows)
    assert set(counts.values()) == {1}


@pytest.mark.parametrize("make", [continuations, word_orders])
def test_the_same_rows_on_every_call_and_labels_in_balance(
    plays: list[str], make: Callable[[Iterable[str]], Iterator[Row]]
) -> None:
    rows = list(make(plays))
    assert rows == list(make(iter(plays)))
    assert abs(np.mean([row["label"] for row in rows]) - 0.5) < 2 / np.sqrt(len(rows))
    assert rows != list(make(plays[::-1]))


def shared(data: TaskData) -> set[str]:
    """Sentences that a held-out part has in common with training or with the other held-out part."""
    found = [
        {
            sentence
            for one in part
            for text in (*one.texts, *one.answers)
            for sentence in sentences(text)
            if len(sentence.split()) >= 8
        }
        for part in (data.train, data.dev, data.test)
    ]
    assert all(found)
    return set().union(*(a & b for a, b in pairwise([*found, found[0]])))


@pytest.mark.parametrize("name", ["play-continuation", "play-word-order"])
def test_parts_share_no_sentence(name: str) -> None:
    assert shared(load_task(find_task(name))) == set()


def bag_of_words_accuracy(data: TaskData) -> float:
    """Of a logistic regression on the counts of words, for test examples."""
    counts = CountVectorizer(lowercase=True, token_pattern=r"\S+")
    train = counts.fit_transform([one.texts[0] for one in data.train])
    model = LogisticRegression(max_iter=1000).fit(train, [one.label for one in data.train])
    predicted = model.predict(counts.transform([one.texts[0] for one in data.test]))
    return float(np.mean(predicted == [one.label for one in data.test]))


def test_a_bag_of_words_knows_nothing_of_order() -> None:
    assert 0.4 < bag_of_words_accuracy(load_task(find_task("play-word-order"))) < 0.6


@pytest.mark.mirror
def test_the_novels_give_rows_enough_and_share_none(mirror: Path) -> None:
    sizes = {"novel-continuation": (3064, 576, 490), "novel-word-order": (9407, 1696, 1488)}
    for name, expected in sizes.items():
        data = load_task(find_task(name))
        assert (len(data.train), len(data.dev), len(data.test)) == expected
        assert shared(data) == set()
    assert 0.46 < bag_of_words_accuracy(data) < 0.54


def test_pre_training_reads_nothing_by_the_authors_of_the_novels() -> None:
    def authors(name: str, split: str) -> set[str]:
        file_sets = catalogue().split(name, split).file_sets
        return {file.split("_")[0] for file_set in file_sets for file in file_set.files}

    unread = authors("novels-unread", "heldout")
    assert unread == {"Forster", "EBronte"}
    assert unread == authors("books", "heldout") - authors("books", "train")
