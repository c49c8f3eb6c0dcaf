"""The comparison of language models is fair: equal parameters, equal tokens, one yardstick."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from gptrepro.earlier.kneser_ney import KneserNey
from gptrepro.experiments.background import language_models
from gptrepro.experiments.background.language_models import (
    LANGUAGE_MODELS,
    counted_bits_per_byte,
)
from gptrepro.experiments.prepare import Sample
from gptrepro.experiments.text_training import TokenizedText, score


@pytest.mark.parametrize("scale", LANGUAGE_MODELS.configs)
def test_the_lstm_has_as_many_parameters_as_the_decoder(scale):
    config = LANGUAGE_MODELS.config(scale)
    with torch.device("meta"):
        lstm, gpt = (sum(p.numel() for p in config.network(arm).parameters()) for arm in ("lstm", "gpt"))
    assert lstm == pytest.approx(gpt, rel=0.005)


class KnowsNothing(torch.nn.Module):
    """Every token is as likely as any other."""

    def __init__(self) -> None:
        super().__init__()
        self.scores = torch.nn.Parameter(torch.zeros(16))

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        return self.scores.expand(*ids.shape, -1)


def test_counting_and_networks_are_measured_alike():
    text = Sample(np.arange(100, dtype=np.uint16) % 16, n_bytes=200, n_words=50)  # 4 bits a token, 2 bytes
    assert score(KnowsNothing(), text, 10).bits_per_byte == pytest.approx(2.0)
    counted = KneserNey(np.array([[0, 1]]), 16, 1)
    expected = -np.log(np.exp(-counted.nll(text.tokens.astype(int)))).sum() / math.log(2) / (2 * 99)
    assert counted_bits_per_byte(counted, text) == pytest.approx(expected)


def test_kneser_ney_counts_the_windows_that_the_networks_read(monkeypatch):
    config = LANGUAGE_MODELS.config("smoke")
    tokens = np.random.default_rng(0).integers(0, config.n_vocab, 40_000)
    read: list[np.ndarray] = []

    class Shards:
        digest = "text"

        def __init__(self) -> None:
            self.tokens = tokens

    class Watched(KneserNey):
        def __init__(self, windows: np.ndarray, n_vocab: int, order: int) -> None:
            read.append(windows)
            super().__init__(windows, n_vocab, order)

    monkeypatch.setattr(language_models, "KneserNey", Watched)
    text = TokenizedText(Shards(), Sample(tokens[:500], 1000, 250), tokenizer="0" * 64)
    language_models._count(config, text, seed=100)
    batches = language_models.Batches(Shards(), config.batch_size, config.n_ctx, seed=100)
    seen = [batches.next() for _ in range(config.updates)]
    networks = np.concatenate([np.c_[ids.numpy(), targets.numpy()[:, -1]] for ids, targets in seen])
    whole = read[len(language_models.MILESTONES) - 1]
    assert np.array_equal(whole, networks)
    assert [len(windows) for windows in read[:4]] == [len(networks) // k for k in (8, 4, 2, 1)]
