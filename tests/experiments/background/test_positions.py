"""The positions experiment: losses stand at their positions, and the arms differ in positions alone."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from gptrepro.experiments.background import positions
from gptrepro.experiments.background.positions import ARMS, BINS, POSITIONS
from gptrepro.experiments.prepare import Sample
from gptrepro.scales import Scale
from tests.model.small import small_decoder


def sample(n: int) -> Sample:
    tokens = np.random.default_rng(0).integers(0, 61, n).astype(np.uint16)
    return Sample(tokens, n_bytes=4 * n, n_words=n)


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
