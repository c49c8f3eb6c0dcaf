"""A passage's likelihood is that of all its tokens after the one that ends a text, whatever is counted."""

from __future__ import annotations

import math

import pytest
import torch

from gptrepro.evaluate.zero_shot_texts import perplexity_per_word, score_passage, score_pieces
from gptrepro.experiments.networks import gpt2_decoder
from gptrepro.tokenizer import train_byte_level_bpe

PUBLISHED = "the cat , the dog\nand the rat . " * 9
READ = PUBLISHED.replace(" ,", ",").replace(" .", ".")


@pytest.fixture(scope="module")
def tokenizer():
    return train_byte_level_bpe([PUBLISHED], n_vocab=300)


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(0)
    return gpt2_decoder(1, 16, 2).build(300, 8).eval()


def nats(model, ids, context=8):
    """Window by window, from torch alone."""
    total = 0.0
    for first in range(0, len(ids) - 1, context):
        window = torch.tensor(ids[first : first + context + 1])
        log_p = model(window[None, :-1])[0].double().log_softmax(-1)
        total -= log_p.gather(1, window[1:, None]).sum().item()
    return total


def test_all_tokens_are_scored_and_the_published_units_are_counted(model, tokenizer):
    score = score_passage(model, tokenizer, READ, PUBLISHED, context=8)
    expected = nats(model, [tokenizer.end_of_text, *tokenizer.encode(READ)])
    assert score.nats == pytest.approx(expected, rel=1e-5)
    assert score.n_bytes == len(PUBLISHED)
    assert score.n_words == 9 * 9 + 9 + 1
    assert score.bits_per_byte == pytest.approx(expected / math.log(2) / len(PUBLISHED), rel=1e-5)
    assert perplexity_per_word([score, score]) == pytest.approx(math.exp(expected / score.n_words), rel=1e-5)


def test_pieces_share_the_windows_of_the_stream_that_they_make(model):
    pieces = [[5, 6, 7], [8], [9, 10, 11, 12, 13, 14, 15], [16, 17]]
    found = score_pieces(model, pieces, start=0, context=8, batch_size=1)
    stream = [0, *(token for piece in pieces for token in piece)]
    assert sum(found) == pytest.approx(nats(model, stream), rel=1e-5)
    assert found[0] == pytest.approx(nats(model, stream[:4]), rel=1e-5)
