"""Merging by hand gives the tokens of `tokenizers`, in both kinds of tokenizer."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gptrepro.tokenizer import ByteLevelTokenizer, Gpt1Tokenizer, train_byte_level_bpe, train_gpt1_bpe
from gptrepro.tokenizer.gpt1 import first_symbols
from gptrepro.tokenizer.merging import MergeStep, merge_steps

TEXT = ["banana bandana an and anna nab ban bad dab abba cabana\n" * 9]
WORDS = st.text("abndc", min_size=1, max_size=12)


@pytest.fixture(scope="module")
def gpt1() -> Gpt1Tokenizer:
    return train_gpt1_bpe(TEXT, 60)


@pytest.fixture(scope="module")
def gpt2() -> ByteLevelTokenizer:
    return train_byte_level_bpe(TEXT, 300)


def test_the_pair_learned_first_is_joined_wherever_it_occurs() -> None:
    merges = [("a", "n"), ("b", "an"), ("an", "an")]
    assert merge_steps("banana", merges) == [
        MergeStep(0, ("a", "n"), ["b", "an", "an", "a"]),
        MergeStep(1, ("b", "an"), ["ban", "an", "a"]),
    ]


def test_a_pair_that_overlaps_itself_is_joined_from_the_left() -> None:
    assert [step.symbols for step in merge_steps("aaa", [("a", "a")])] == [["aa", "a"]]


@pytest.mark.parametrize("word", ["", "a", "xyz"])
def test_a_word_without_a_known_pair_stays_as_it_is(word: str) -> None:
    assert merge_steps(word, [("a", "b")]) == []


@given(word=WORDS)
def test_the_last_step_holds_the_tokens_of_gpt1(gpt1: Gpt1Tokenizer, word: str) -> None:
    start = first_symbols(word)
    steps = merge_steps(start, gpt1.merges)
    assert [gpt1.vocab[symbol] for symbol in (steps[-1].symbols if steps else start)] == gpt1.encode(word)


@given(word=WORDS)
def test_the_last_step_holds_the_tokens_of_gpt2(gpt2: ByteLevelTokenizer, word: str) -> None:
    steps = merge_steps(word, gpt2.merges)
    assert [gpt2.vocab[symbol] for symbol in (steps[-1].symbols if steps else word)] == gpt2.encode(word)


@given(word=WORDS)
def test_merges_apply_in_the_order_in_which_they_were_learned(gpt1: Gpt1Tokenizer, word: str) -> None:
    ranks = [step.rank for step in merge_steps(first_symbols(word), gpt1.merges)]
    assert ranks == sorted(set(ranks))
