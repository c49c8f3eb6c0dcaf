"""GPT-1's pre-training experiment: milestones, held-out text, and settings that are the paper's."""

from __future__ import annotations

from fractions import Fraction

from gptrepro.experiments.gpt1.pretraining import MILESTONES, PRETRAINING, milestone_metric
from gptrepro.published import PUBLISHED
from gptrepro.scales import Scale


def test_milestones_double_and_end_with_the_training():
    for scale in PRETRAINING.configs:
        config = PRETRAINING.config(scale)
        updates = [config.milestone(fraction) for fraction in MILESTONES]
        assert updates == sorted(set(updates)) and updates[-1] == config.updates
    assert milestone_metric(Fraction(1, 8)) == "heldout_nll_at_1_8"


def test_what_is_scored_was_never_read():
    for scale in PRETRAINING.configs:
        read, scored = PRETRAINING.corpora(PRETRAINING.config(scale))
        assert (read.split, scored.split) == ("train", "heldout")
    assert [c.name for c in PRETRAINING.corpora(PRETRAINING.config(Scale.PAPER))] == ["bookcorpus", "books"]


def test_the_paper_scale_is_the_published_training():
    config, published = PRETRAINING.config(Scale.PAPER), PUBLISHED["gpt1"]
    settings = published.recipe.settings
    assert config.decoder == published.decoder
    assert config.updates == settings.steps
    ours = (config.batch_size, config.peak_learning_rate, config.warmup_updates, config.weight_decay)
    assert ours == (settings.batch_size, settings.peak_lr, settings.warmup_steps, settings.weight_decay)
