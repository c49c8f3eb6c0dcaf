"""Tokenizers: one that works otherwise measures otherwise."""

from __future__ import annotations

import dataclasses
from types import SimpleNamespace

import pytest

from gptrepro.errors import GptreproError
from gptrepro.probes import tokenizers

from .mutations import measured


class Changed:
    """A tokenizer with some of its parts replaced."""

    def __init__(self, tokenizer, **parts):
        self._tokenizer = tokenizer
        self.__dict__.update(parts)

    def __getattr__(self, name):
        return getattr(self._tokenizer, name)


def test_the_published_vocabulary_is_counted(monkeypatch):
    try:
        before = measured("gpt2_vocabulary")
    except GptreproError as error:
        pytest.skip(str(error))
    assert before == {"vocab": 50257, "byte_base": 256, "merges": 50000, "special": 1}
    load = tokenizers.load_published_gpt2

    def fewer(*paths):
        tokenizer = load(*paths)
        return Changed(tokenizer, merges=tokenizer.merges[:-1])

    monkeypatch.setattr(tokenizers, "load_published_gpt2", fewer)
    assert measured("gpt2_vocabulary") == before | {"merges": 49999, "special": 2}


def test_a_lossy_encoding_is_noticed(monkeypatch):
    small = tokenizers._small_gpt2()
    merges = [*small.merges, ("x", "y")]
    lossy = Changed(small, decode=lambda ids: small.decode(ids).lower(), merges=merges)
    monkeypatch.setattr(tokenizers, "_small_gpt2", lambda: lossy)
    assert measured("byte_base") == {"byte_base": 255, "lossless": False}
    assert measured("unseen_text")["gpt2_lossless"] is True  # lower case is all that was lost


def test_unknown_tokens_are_counted_in_words_and_in_characters(monkeypatch):
    before = measured("unseen_text")
    assert (before["unknown_in_unseen_words"], before["unknown_in_unseen_characters"]) == (0, 1)
    unknown = tokenizers._small_gpt1().vocab["<unk>"]
    words = Changed(tokenizers._small_gpt1(), encode=lambda text: [unknown] * len(text.split()))
    monkeypatch.setattr(tokenizers, "_small_gpt1", lambda: words)
    after = measured("unseen_text")
    assert (after["unknown_in_unseen_words"], after["unknown_in_unseen_characters"]) == (4, 2)


def test_merges_across_categories_are_noticed(monkeypatch):
    vocab = {"d": 0, "dog!": 1, "do": 2}
    monkeypatch.setattr(tokenizers, "_small_gpt2", lambda: SimpleNamespace(vocab=vocab))
    assert set(measured("merges_within_categories").values()) == {False}


def test_other_cleaning_is_noticed(monkeypatch):
    assert measured("gpt1_cleaning") == {"ftfy": True, "spacy": True}
    monkeypatch.setattr(tokenizers, "fix_text", lambda words: words)
    monkeypatch.setattr(tokenizers, "_small_gpt1", tokenizers._small_gpt2)
    assert measured("gpt1_cleaning") == {"ftfy": False, "spacy": False}


def test_a_likelihood_over_the_wrong_units_is_noticed(monkeypatch):
    assert set(measured("units_of_likelihood").values()) == {True}
    evaluate = tokenizers.evaluate_perplexity

    def doubled(*arguments, **options):
        found = evaluate(*arguments, **options)
        return dataclasses.replace(found, words=2 * found.words, bytes=2 * found.bytes)

    monkeypatch.setattr(tokenizers, "evaluate_perplexity", doubled)
    assert set(measured("units_of_likelihood").values()) == {False}
