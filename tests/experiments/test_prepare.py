"""Shared preparations: a tokenizer is trained once; a sample spreads over the whole text."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gptrepro.experiments import prepare
from gptrepro.experiments.prepare import encoded, spread_passages, trained_tokenizer
from gptrepro.sources.corpora import load_corpus


@dataclass
class Stream:
    tokens: np.ndarray
    n_bytes: int
    n_words: int

    @property
    def n_tokens(self) -> int:
        return len(self.tokens)


def test_a_tokenizer_is_trained_once_for_a_text_and_a_size(tmp_path, monkeypatch):
    corpus = load_corpus("plays", split="heldout")
    first = trained_tokenizer("gpt2", corpus, 300, tmp_path)
    monkeypatch.setattr(prepare, "_TRAINERS", {})  # a second training would fail
    again = trained_tokenizer("gpt2", corpus, 300, tmp_path)
    assert again.digest == first.digest and again.n_vocab == 300


def test_a_sample_reaches_from_start_to_end_and_keeps_proportions():
    stream = Stream(np.arange(100_000, dtype=np.uint32), n_bytes=400_000, n_words=80_000)
    sample = spread_passages(stream, 16_384)
    assert sample.n_tokens == 16_384
    assert sample.tokens[0] == 0 and sample.tokens[-1] == 99_999
    assert sample.n_bytes / sample.n_tokens == 4.0 and abs(sample.n_words / sample.n_tokens - 0.8) < 1e-3
    jumps = np.flatnonzero(np.diff(sample.tokens.astype(int)) != 1)
    assert len(jumps) == 3  # four passages


def test_a_sample_of_a_short_text_is_the_text():
    stream = Stream(np.arange(100, dtype=np.uint32), n_bytes=400, n_words=80)
    assert spread_passages(stream, 16_384).n_tokens == 100


def test_a_short_text_is_encoded_in_memory(tmp_path):
    tokenizer = trained_tokenizer("gpt2", load_corpus("plays", split="heldout"), 300, tmp_path)
    sample = encoded("To be, or not to be", tokenizer)
    assert tokenizer.decode([int(i) for i in sample.tokens]) == "To be, or not to be"
    assert (sample.n_bytes, sample.n_words) == (19, 6)
