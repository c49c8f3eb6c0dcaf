"""The ladder's rungs differ in size alone, and the largest of the paper's scale is GPT-2."""

from __future__ import annotations

import pytest

from gptrepro.experiments.gpt2.ladder import LADDER
from gptrepro.published import PUBLISHED
from gptrepro.scales import Scale


@pytest.mark.parametrize("scale", Scale)
def test_rungs_differ_in_network_and_rate_alone_and_grow(scale):
    rungs = list(LADDER.config(scale).arms.values())
    own = {"network", "peak_learning_rate"}
    assert all(rung.model_dump(exclude=own) == rungs[0].model_dump(exclude=own) for rung in rungs)
    sizes = [rung.budget().parameters for rung in rungs]
    assert sizes == sorted(set(sizes)) and len(sizes) >= 3


def test_the_text_that_is_scored_as_read_was_read(tmp_path):
    rung = LADDER.config(Scale.SMOKE).arms["1x16"]
    assert rung.tokenized(tmp_path).n_train_tokens <= rung.budget().tokens


def test_the_paper_scale_has_gpt2s_decoders():
    rungs = LADDER.config(Scale.PAPER).arms.values()
    assert [rung.network.config(rung.n_vocab, rung.n_ctx) for rung in rungs] == [
        model.decoder for model in PUBLISHED.values() if model.paper == "gpt2"
    ]
