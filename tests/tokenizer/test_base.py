"""What both tokenizers share: vocabularies that fit, ids that fit, an identity."""

from __future__ import annotations

import pytest

from gptrepro.errors import GptreproError
from gptrepro.tokenizer import ByteLevelTokenizer, Gpt1Tokenizer, train_byte_level_bpe, train_gpt1_bpe
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


def test_a_batch_is_encoded_text_by_text(small_gpt2: ByteLevelTokenizer) -> None:
    texts = ["To be, or not", " to be"]
    assert small_gpt2.encode_batch(texts) == [small_gpt2.encode(text) for text in texts]


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
