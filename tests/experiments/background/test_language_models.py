"""The comparison of language models is fair: equal parameters and equal text."""

from __future__ import annotations

import pytest

from gptrepro.experiments.background.language_models import LANGUAGE_MODELS


@pytest.mark.parametrize("scale", LANGUAGE_MODELS.configs)
def test_the_lstm_has_as_many_parameters_as_the_decoder(scale):
    arms = LANGUAGE_MODELS.config(scale).arms
    assert arms["lstm"].budget().parameters == pytest.approx(arms["gpt"].budget().parameters, rel=0.005)


@pytest.mark.parametrize("scale", LANGUAGE_MODELS.configs)
def test_all_models_read_the_same_text(scale):
    config = LANGUAGE_MODELS.config(scale)
    own = {"network", "peak_learning_rate", "milestones"}
    trainings = [arm.model_dump(exclude=own) for arm in (*config.arms.values(), *config.by_order.values())]
    assert all(training == trainings[0] for training in trainings)
