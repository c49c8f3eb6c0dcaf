"""GPT-1's pre-training experiments: milestones, held-out text, and settings that are the paper's."""

from __future__ import annotations

import pytest

from gptrepro.experiments.gpt1.pretraining import LSTM_PRETRAINING, MILESTONES, PRETRAINING
from gptrepro.published import PUBLISHED
from gptrepro.scales import Scale


def test_milestones_double_and_end_with_the_training():
    for scale in PRETRAINING.configs:
        config = PRETRAINING.config(scale)
        updates = [config.milestone(fraction) for fraction in MILESTONES]
        assert updates == sorted(set(updates)) and updates[-1] == config.updates
        assert config.milestones == MILESTONES


def test_what_is_scored_was_never_read():
    for scale in PRETRAINING.configs:
        read, scored = PRETRAINING.corpora(PRETRAINING.config(scale))
        assert (read.split, scored.split) == ("train", "heldout")
    assert [c.name for c in PRETRAINING.corpora(PRETRAINING.config(Scale.PAPER))] == ["bookcorpus", "books"]


@pytest.mark.parametrize("scale", Scale)
def test_the_lstm_differs_in_its_network_and_rate_alone(scale):
    own = {"network", "peak_learning_rate"}
    decoder, lstm = PRETRAINING.config(scale), LSTM_PRETRAINING.config(scale)
    assert lstm.model_dump(exclude=own) == decoder.model_dump(exclude=own)
    assert lstm.network.beside == decoder.network


def test_the_paper_scale_is_the_published_training():
    config, published = PRETRAINING.config(Scale.PAPER), PUBLISHED["gpt1"]
    settings = published.recipe.settings
    assert config.network.config(config.n_vocab, config.n_ctx) == published.decoder
    assert config.updates == settings.steps
    ours = (config.batch_size, config.peak_learning_rate, config.warmup_updates, config.weight_decay)
    assert ours == (settings.batch_size, settings.peak_lr, settings.warmup_steps, settings.weight_decay)
