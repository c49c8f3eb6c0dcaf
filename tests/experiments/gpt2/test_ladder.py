"""The ladder's rungs differ in size alone, and the largest of the paper's scale is GPT-2."""

from __future__ import annotations

import numpy as np
import pytest

from gptrepro.experiments.gpt2.ladder import (
    LADDER,
    RATE_TIMES_WIDTH,
    TRIED,
    WINDOWS,
    compared_windows,
    outside_embeddings,
)
from gptrepro.published import PUBLISHED
from gptrepro.results import obtain
from gptrepro.scales import Scale


@pytest.mark.parametrize("scale", Scale)
def test_rungs_differ_in_network_and_rate_alone_and_grow(scale):
    rungs = list(LADDER.config(scale).arms.values())
    own = {"network", "peak_learning_rate"}
    assert all(rung.model_dump(exclude=own) == rungs[0].model_dump(exclude=own) for rung in rungs)
    sizes = [outside_embeddings(rung) for rung in rungs]
    assert sizes == sorted(set(sizes)) and len(sizes) >= 3


def test_what_is_called_read_was_read_once_and_what_is_called_unread_was_not(tmp_path):
    rung = LADDER.config(Scale.SMOKE).arms["1x16"]
    text = rung.tokenized(tmp_path)
    batches = rung.batches(text, 100)
    trained_on = {tuple(window) for window in batches.take(rung.updates * rung.batch_size).tolist()}
    windows = compared_windows(rung, text, 100)
    assert all(0 < len(found) <= WINDOWS for found in windows.values())
    assert all(tuple(window) in trained_on for window in windows["read"].tolist())
    assert not any(tuple(window) in trained_on for window in windows["unread"].tolist())


def test_the_rate_is_the_product_that_is_best_over_both_swept_widths():
    sweeps = [obtain(f"gpt2-ladder-{called}-learning-rate", scale="laptop") for called in ("narrow", "wide")]
    losses = np.array([sweep.select(score="heldout_nll").sort_values("rate")["value"] for sweep in sweeps])
    assert TRIED[int(losses.mean(0).argmin())] == RATE_TIMES_WIDTH
    assert min(TRIED) < RATE_TIMES_WIDTH < max(TRIED)


def test_the_paper_scale_has_gpt2s_decoders():
    rungs = LADDER.config(Scale.PAPER).arms.values()
    assert [rung.network.config(rung.n_vocab, rung.n_ctx) for rung in rungs] == [
        model.decoder for model in PUBLISHED.values() if model.paper == "gpt2"
    ]
