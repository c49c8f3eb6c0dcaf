"""What both tokenizers share: vocabularies that fit, ids that fit, an identity."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gptrepro.errors import GptreproError
from gptrepro.tokenizer import (
    ByteLevelTokenizer,
    Gpt1Tokenizer,
    base,
    train_byte_level_bpe,
    train_gpt1_bpe,
)
from tests.tokenizer.conftest import PLAY


def test_vocabularies_with_gaps_or_foreign_merges_are_refused(small_gpt2: ByteLevelTokenizer) -> None:
    gap = {token: i + (i > 5) for token, i in small_gpt2.vocab.items()}
    with pytest.raises(GptreproError, match="each once"):
        ByteLevelTokenizer(gap, small_gpt2.merges)
    with pytest.raises(GptreproError, match="do not belong together"):
        ByteLevelTokenizer(small_gpt2.vocab, [*small_gpt2.merges, ("no such", "token")])


def test_ids_outside_the_vocabulary_are_refused(
    small_gpt1: Gpt1Tokenizer, small_gpt2: ByteLevelTokenizer
) -> None:
    for tokenizer in (small_gpt1, small_gpt2):
        for token in (-1, tokenizer.n_vocab):
            with pytest.raises(GptreproError, match="made with another tokenizer"):
                tokenizer.decode([token])


def test_the_digest_follows_the_merges(small_gpt2: ByteLevelTokenizer) -> None:
    shorter = ByteLevelTokenizer(small_gpt2.vocab, small_gpt2.merges[:-1])
    assert shorter.digest != small_gpt2.digest
    assert ByteLevelTokenizer(dict(small_gpt2.vocab), small_gpt2.merges).digest == small_gpt2.digest


@given(
    st.lists(
        st.sampled_from(("\n", "\n", " ", "\r\n", "\t", "a.", "' d.Tis", "<b>", "&amp;", "é", "To be", "::"))
        | st.text(max_size=3).filter(lambda text: not any("\ud800" <= c <= "\udfff" for c in text)),
        max_size=30,
    ).map("".join)
)
@settings(max_examples=200, deadline=None)
def test_a_long_text_has_in_parts_the_ids_and_words_that_it_has_in_one(
    small_gpt1: Gpt1Tokenizer, small_gpt2: ByteLevelTokenizer, text: str
) -> None:
    for tokenizer in (small_gpt1, small_gpt2):
        whole = tokenizer.encode(text)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(base, "PART", 1)
            parts = list(tokenizer.encode_parts(text))
            blocks = [text[i : i + 3] for i in range(0, len(text), 3)]
            assert list(tokenizer.encode_parts(blocks)) == parts, "where blocks are cut changes nothing"
        assert [token for _, ids in parts for token in ids] == whole
        assert "".join(part for part, _ in parts) == text
        assert sum(len(part.split()) for part, _ in parts) == len(text.split())


def test_a_smaller_vocabulary_is_the_beginning_of_a_larger_one(
    small_gpt1: Gpt1Tokenizer, small_gpt2: ByteLevelTokenizer
) -> None:
    trained = (train_gpt1_bpe(PLAY, 120), train_byte_level_bpe(PLAY, 280))
    for larger, smaller in zip((small_gpt1, small_gpt2), trained, strict=True):
        assert 0 < len(smaller.merges) < len(larger.merges)
        assert larger.after(len(smaller.merges)).digest == smaller.digest
        assert larger.after(len(larger.merges)).digest == larger.digest


@pytest.mark.parametrize("n_merges", [-1, 10_000])
def test_more_merges_than_there_are_are_refused(small_gpt1: Gpt1Tokenizer, n_merges: int) -> None:
    with pytest.raises(GptreproError, match="ask for 0 to as many"):
        small_gpt1.after(n_merges)
