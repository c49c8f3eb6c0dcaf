"""Tokenizers: one that works otherwise measures otherwise."""

from __future__ import annotations

import dataclasses
from types import SimpleNamespace

import pytest

from gptrepro.errors import GptreproError
from gptrepro.probes import PROBES, tokenizers

from .mutations import NO_MUTATION, measured


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
    assert measured("unseen_characters")["gpt2_lossless"] is True  # lower case is all that was lost


def test_merges_across_categories_are_noticed(monkeypatch):
    vocab = {"d": 0, "dog!": 1, "do": 2}
    monkeypatch.setattr(tokenizers, "_small_gpt2", lambda: SimpleNamespace(vocab=vocab))
    assert set(measured("merges_within_categories").values()) == {False}


def test_a_small_unicode_is_noticed(monkeypatch):
    assert measured("unicode_base_is_large") is True
    monkeypatch.setattr(tokenizers, "sys", SimpleNamespace(maxunicode=100_000))
    assert measured("unicode_base_is_large") is False


def test_other_cleaning_is_noticed(monkeypatch):
    assert measured("gpt1_cleaning") == {"ftfy": True, "spacy": True}
    monkeypatch.setattr(tokenizers, "fix_text", lambda words: words)
    monkeypatch.setattr(tokenizers, "_small_gpt1", tokenizers._small_gpt2)
    assert measured("gpt1_cleaning") == {"ftfy": False, "spacy": False}


def test_a_tokenizer_that_keeps_case_is_noticed(monkeypatch):
    assert measured("gpt1_keeps_case") is False
    monkeypatch.setattr(tokenizers, "_small_gpt1", tokenizers._small_gpt2)
    assert measured("gpt1_keeps_case") is True


def test_unknown_characters_are_counted(monkeypatch):
    assert measured("unseen_characters") == {"gpt1_unknown_tokens": 1, "gpt2_lossless": True}
    monkeypatch.setattr(
        tokenizers, "_small_gpt1", lambda: SimpleNamespace(encode=lambda _: [7], vocab={"<unk>": 0})
    )
    monkeypatch.setattr(
        tokenizers, "_small_gpt2", lambda: SimpleNamespace(encode=lambda _: [7], decode=lambda _: "dog ?")
    )
    assert measured("unseen_characters") == {"gpt1_unknown_tokens": 0, "gpt2_lossless": False}


def test_a_likelihood_over_the_wrong_units_is_noticed(monkeypatch):
    assert set(measured("units_of_likelihood").values()) == {True}
    evaluate = tokenizers.evaluate_perplexity

    def doubled(*arguments, **options):
        found = evaluate(*arguments, **options)
        return dataclasses.replace(found, words=2 * found.words, bytes=2 * found.bytes)

    monkeypatch.setattr(tokenizers, "evaluate_perplexity", doubled)
    assert set(measured("units_of_likelihood").values()) == {False}


def test_every_probe_of_text_is_tested_here():
    here = {name for name, function in PROBES.items() if function.__module__ == tokenizers.__name__}
    assert here == {
        "gpt2_vocabulary",
        "byte_base",
        "merges_within_categories",
        "unicode_base_is_large",
        "gpt1_cleaning",
        "gpt1_keeps_case",
        "unseen_characters",
        "units_of_likelihood",
    }


def test_every_probe_of_text_has_a_mutation():
    here = {name for name, function in PROBES.items() if function.__module__ == tokenizers.__name__}
    assert here == {
        "byte_base",
        "gpt1_cleaning",
        "gpt1_keeps_case",
        "gpt2_vocabulary",
        "merges_within_categories",
        "unicode_base_is_large",
        "units_of_likelihood",
        "unseen_characters",
    }, NO_MUTATION
