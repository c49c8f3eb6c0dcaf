"""Samples of text: passages spread over the whole, and short texts as they are."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gptrepro.text.samples import encoded, spread_passages
from gptrepro.tokenizer import train_byte_level_bpe


@dataclass
class Stream:
    tokens: np.ndarray
    n_bytes: int
    n_words: int

    @property
    def n_tokens(self) -> int:
        return len(self.tokens)


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


def test_a_short_text_is_encoded_in_memory():
    tokenizer = train_byte_level_bpe(["To be, or not"], 260)
    sample = encoded("To be, or not to be", tokenizer)
    assert tokenizer.decode([int(i) for i in sample.tokens]) == "To be, or not to be"
    assert (sample.n_bytes, sample.n_words) == (19, 6)
