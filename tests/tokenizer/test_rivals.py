"""Words and merges without a border: what they share with GPT-2's encoding, and where they differ from it."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import PreTrainedTokenizerFast

from gptrepro.errors import GptreproError
from gptrepro.tokenizer import ByteLevelTokenizer, load_tokenizer, train_byte_level_bpe
from gptrepro.tokenizer.rivals import AcrossCategories, WordTokenizer, train_words, with_marks

TEXT = ["My dog. Your dog! Whose dog? The dog, and the cat of 1917; naïve cats.\n"] * 3
any_text = st.text(st.characters(exclude_categories=["Cs"]))


@pytest.fixture(scope="module")
def words() -> WordTokenizer:
    return train_words(TEXT, 270)


@pytest.fixture(scope="module")
def across() -> ByteLevelTokenizer:
    return train_byte_level_bpe(TEXT, 330, AcrossCategories)


@given(any_text)
@settings(max_examples=100, deadline=None)
def test_any_text_comes_back(words: WordTokenizer, across: ByteLevelTokenizer, text: str) -> None:
    for tokenizer in (words, across):
        assert tokenizer.decode(tokenizer.encode(text)) == text


def test_a_known_word_is_a_token_and_an_unknown_one_its_bytes(words: WordTokenizer) -> None:
    known, unknown = words.encode(" dog"), words.encode(" dög")
    assert len(known) == 1
    assert len(unknown) == len(" dög".encode())


def test_the_words_are_the_most_frequent_ones() -> None:
    text = " a b b c c c d d d d" * 2
    counted = Counter(re.findall(r" \w", text)).most_common(2)
    vocab = train_words([text], 259).vocab
    assert {token.replace("Ġ", " ") for token in vocab if len(token) == 2} == {word for word, _ in counted}


def test_words_are_saved_as_others_read_them(words: WordTokenizer, tmp_path: Path) -> None:
    words.save(tmp_path)
    text = "The dog of 1918, naïvely.\n\n  Cats"
    assert load_tokenizer(tmp_path).encode(text) == words.encode(text)
    assert PreTrainedTokenizerFast(tokenizer_file=str(tmp_path / "tokenizer.json")).encode(
        text
    ) == words.encode(text)


def test_a_vocabulary_of_words_is_no_byte_pair_encoding(words: WordTokenizer, tmp_path: Path) -> None:
    words.save(tmp_path)
    (tmp_path / "gptrepro_tokenizer.json").unlink()
    with pytest.raises(GptreproError, match="ignore_merges"):
        load_tokenizer(tmp_path)


def test_merges_cross_categories_but_no_space(across: ByteLevelTokenizer) -> None:
    assert "Ġdog." in across.vocab
    assert not any("Ġ" in token[1:] for token in across.vocab)


def test_words_with_marks_are_those_whose_word_is_a_token() -> None:
    found = with_marks(["Ġdog", "Ġdog.", "Ġdog!", "cat.", "1917", "1917.", "..", "."])
    assert found == {"Ġdog": ["Ġdog!", "Ġdog."]}
