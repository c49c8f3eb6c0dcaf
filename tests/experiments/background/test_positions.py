"""The positions experiment: arms differ in positions alone, and rows stand where the losses were."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from gptrepro.experiments.background import positions
from gptrepro.experiments.background.positions import ARMS, BINS, POSITIONS
from gptrepro.experiments.training import TokenizedText
from gptrepro.scales import Scale
from gptrepro.text.samples import Sample
from tests.model.small import small_decoder


def test_arms_differ_in_their_positions_alone():
    arms = POSITIONS.config(Scale.LAPTOP).arms
    learned, *others = [arms[arm].model().config for arm in ARMS]
    assert [dataclasses.replace(other, positions="learned") for other in others] == [learned, learned]
    assert learned.n_ctx == 2 * arms["learned"].n_ctx


def test_the_curve_covers_every_position_once():
    training = POSITIONS.config(Scale.SMOKE).arms["learned"]
    tokens = np.random.default_rng(0).integers(0, 61, 2000).astype(np.uint16)
    text = TokenizedText({}, Sample(tokens, n_bytes=8000, n_words=2000), "0" * 64)
    scores = positions._scores(training, small_decoder(n_ctx=2 * training.n_ctx), text)
    rows = positions._rows("learned", training, scores)
    curve = {one["position"]: one["value"] for one in rows if "position" in one}
    of_span = {one["span"]: one["value"] for one in rows if "span" in one}
    values = [curve[at] for at in sorted(curve)]
    assert len(values) == BINS
    assert np.mean(values[: BINS // 2]) == pytest.approx(of_span["trained"])
    assert np.mean(values[BINS // 2 :]) == pytest.approx(of_span["beyond"])
    assert np.mean(values[BINS // 2 - BINS // 8 : BINS // 2]) == pytest.approx(of_span["end"])
