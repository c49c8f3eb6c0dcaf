"""The positions experiment: losses stand at their positions, and the arms differ in positions alone."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch

from gptrepro.evaluate.perplexity import evaluate_perplexity
from gptrepro.experiments.background import positions
from gptrepro.experiments.background.positions import ARMS, BINS, POSITIONS, loss_by_position
from gptrepro.experiments.prepare import Sample
from gptrepro.scales import Scale
from tests.model.small import small_decoder


def sample(n: int) -> Sample:
    tokens = np.random.default_rng(0).integers(0, 61, n).astype(np.uint16)
    return Sample(tokens, n_bytes=4 * n, n_words=n)


def test_losses_by_position_average_to_the_loss_of_the_windows():
    model, text = small_decoder(), sample(10 * 32 + 1)
    nll = loss_by_position(model, text, 32)
    assert nll.shape == (32,)
    assert nll.mean() == pytest.approx(evaluate_perplexity(model, text, context=32).nll_per_token, rel=1e-5)


def test_each_loss_stands_at_its_position():
    text = sample(3 * 16 + 1 + 5)  # the rest of 5 tokens is left out
    model = small_decoder()
    windows = torch.from_numpy(text.tokens[:48].astype(np.int64)).view(3, 16)
    follows = torch.from_numpy(text.tokens[1:49].astype(np.int64)).view(3, 16)
    log_p = model(windows).log_softmax(-1)
    for place in (0, 7, 15):
        expected = -log_p[range(3), place, follows[:, place]].mean().item()
        assert loss_by_position(model, text, 16)[place] == pytest.approx(expected, rel=1e-5)


def test_arms_differ_in_their_positions_alone():
    config = POSITIONS.config(Scale.LAPTOP)
    learned, *others = [config.decoder(arm) for arm in ARMS]
    assert [dataclasses.replace(other, positions="learned") for other in others] == [learned, learned]
    assert learned.n_ctx == 2 * config.n_ctx


def test_the_curve_covers_every_position_once():
    config = POSITIONS.config(Scale.SMOKE)
    model = small_decoder(n_ctx=2 * config.n_ctx)
    found = positions._heldout_metrics(model, sample(2000), config)
    curve = [found[positions.curve_metric("learned", start)] for start in config.bin_starts]
    assert len(curve) == BINS
    assert np.mean(curve[: BINS // 2]) == pytest.approx(found["nll_trained_learned"])
    assert np.mean(curve[BINS // 2 :]) == pytest.approx(found["nll_beyond_learned"])
    assert np.mean(curve[BINS // 2 - BINS // 8 : BINS // 2]) == pytest.approx(found["nll_end_learned"])
