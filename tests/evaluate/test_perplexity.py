"""Perplexity against a plain loop, and where its value is known."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from gptrepro.errors import GptreproError
from gptrepro.evaluate.perplexity import Perplexity, evaluate_perplexity, loss_by_position
from gptrepro.model import Decoder, DecoderConfig

N_VOCAB, N_CTX = 29, 8


@dataclass
class Stream:
    """Token shards in memory."""

    tokens: np.ndarray[Any, Any] = field(
        default_factory=lambda: np.random.default_rng(1).integers(0, N_VOCAB, 60).astype(np.uint16)
    )
    n_bytes: int = 240
    n_words: int = 48

    @property
    def n_tokens(self) -> int:
        return len(self.tokens)


def model() -> Decoder:
    torch.manual_seed(3)
    shape = {"n_layers": 1, "d_model": 16, "n_heads": 2, "dropout": 0.5}
    return Decoder(DecoderConfig(n_vocab=N_VOCAB, n_ctx=N_CTX, init_std=0.5, **shape))  # type: ignore[arg-type]


def oracle(decoder: Decoder, tokens: np.ndarray[Any, Any], context: int, stride: int) -> list[list[float]]:
    """One forward pass a token: window by window, the losses that it scores."""
    decoder.eval()
    windows: list[list[float]] = []
    first, position = 0, 1
    while position < len(tokens):
        windows.append([])
        while position <= first + context and position < len(tokens):
            past = torch.tensor(tokens[first:position].astype(np.int64))[None]
            with torch.no_grad():
                log_p = decoder(past)[0, -1].log_softmax(-1)
            windows[-1].append(-float(log_p[int(tokens[position])]))
            position += 1
        first += stride
    return windows


@given(
    n_tokens=st.integers(2, 40),
    context=st.integers(1, N_CTX),
    stride=st.integers(1, N_CTX),
    batch_size=st.integers(1, 5),
)
@settings(max_examples=40, deadline=None)
def test_it_agrees_with_a_loop_over_tokens(n_tokens: int, context: int, stride: int, batch_size: int) -> None:
    stride = min(stride, context)
    stream = Stream()
    expected = oracle(model(), stream.tokens[:n_tokens], context, stride)
    result = evaluate_perplexity(
        model(), stream, context, stride, limit_tokens=n_tokens, batch_size=batch_size
    )
    flat = [nll for window in expected for nll in window]
    assert result.tokens == len(flat) == n_tokens - 1
    assert result.nll_per_token == pytest.approx(sum(flat) / len(flat), rel=1e-5)
    assert result.window_nll == pytest.approx([sum(w) / len(w) for w in expected], rel=1e-4)


def test_windows_follow_one_another_unless_a_stride_is_given() -> None:
    assert evaluate_perplexity(model(), Stream(), 8) == evaluate_perplexity(model(), Stream(), 8, stride=8)
    assert len(evaluate_perplexity(model(), Stream(), 8, stride=1).window_nll) == 52


class Uniform(nn.Module):
    """Knows nothing: every token is equally likely."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(()))

    def hidden(self, ids: Tensor) -> Tensor:
        return self.weight.expand(*ids.shape, 1)

    def logits(self, hidden: Tensor) -> Tensor:
        return hidden.expand(*hidden.shape[:-1], N_VOCAB)


def test_a_model_that_knows_nothing_has_the_perplexity_of_its_vocabulary() -> None:
    result = evaluate_perplexity(Uniform(), Stream(), 8)
    assert result.perplexity_per_token == pytest.approx(N_VOCAB)
    assert result.bits_per_byte == pytest.approx(math.log2(N_VOCAB) * 60 / 240)  # 4 bytes per token
    assert result.perplexity_per_byte == pytest.approx(N_VOCAB ** (1 / 4))
    assert result.perplexity_per_word == pytest.approx(N_VOCAB ** (60 / 48))


def test_part_of_a_text_has_its_share_of_bytes_and_words() -> None:
    result = evaluate_perplexity(Uniform(), Stream(), 8, limit_tokens=31)
    assert (result.tokens, result.bytes, result.words) == (30, 120.0, 24.0)
    assert evaluate_perplexity(Uniform(), Stream(), 8, limit_tokens=10**9).tokens == 59


def test_the_model_keeps_its_mode_and_dropout_stays_out() -> None:
    decoder = model().train()
    first, second = (evaluate_perplexity(decoder, Stream(), 8) for _ in range(2))
    assert decoder.training
    assert first == second


def test_losses_by_position_average_to_the_loss_of_the_windows() -> None:
    tokens = np.random.default_rng(0).integers(0, N_VOCAB, 10 * N_CTX + 1)
    nll = loss_by_position(model(), Stream(tokens), N_CTX)
    assert nll.shape == (N_CTX,)
    assert nll.mean() == pytest.approx(evaluate_perplexity(model(), Stream(tokens), N_CTX).nll_per_token)


def test_each_loss_stands_at_its_position() -> None:
    stream = Stream()  # 7 windows; the rest of 3 tokens is left out
    windows, follows = (torch.from_numpy(stream.tokens[i : 56 + i].astype(np.int64)) for i in (0, 1))
    log_p = model().eval()(windows.view(7, N_CTX)).log_softmax(-1).flatten(0, 1)
    expected = -log_p[range(56), follows].view(7, N_CTX).mean(0)
    assert loss_by_position(model(), stream, N_CTX) == pytest.approx(expected.tolist(), rel=1e-5)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [({"stride": 0}, "stride"), ({"stride": 9}, "stride"), ({"limit_tokens": 1}, "at least 2 tokens")],
)
def test_impossible_requests_are_refused(arguments: dict[str, int], message: str) -> None:
    with pytest.raises(GptreproError, match=message):
        evaluate_perplexity(model(), Stream(), 8, **arguments)


def test_a_perplexity_beyond_all_floats_is_infinite() -> None:
    found = Perplexity(nll_per_token=500.0, tokens=10, words=2.0, bytes=10.0, window_nll=[500.0])
    assert found.perplexity_per_word == math.inf
    assert found.perplexity_per_token == pytest.approx(math.exp(500.0))
