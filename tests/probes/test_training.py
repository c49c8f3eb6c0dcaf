"""Schedules, optimisers and data: a training that runs otherwise measures otherwise."""

from __future__ import annotations

import numpy as np
import pytest

from gptrepro.claims import Evidence, Verdict, judge
from gptrepro.probes import PROBES, training
from gptrepro.text.batches import Batches
from gptrepro.train.schedule import BatchRamp

from .mutations import CLAIMS, NO_MUTATION, measured

MUTATIONS = {
    "learning_rate_points": ("gpt1", {"warmup_steps": 1000}),
    "schedule_in_tokens": ("gpt3-175b", {"warmup_tokens": 300_000_000}),
    "row_of_sizes": ("gpt3-small", {"batch_size": 200}),
    "training_tokens": ("gpt3-small", {"steps": 1000}),
    "batch": ("gpt1", {"batch_size": 32}),
    "adam_moments": ("gpt1", {"beta2": 0.95}),
    "weight_decay": ("gpt1", {"weight_decay": 0.1}),
    "gradient_clip": ("gpt1", {"clip_norm": 0.5}),
}


@pytest.mark.parametrize("name", MUTATIONS)
def test_another_training_measures_otherwise(name, change_model):
    model, settings = MUTATIONS[name]
    before = measured(name, model)
    change_model(model, settings=settings)
    assert measured(name, model) != before


def test_the_floor_of_the_schedule_is_measured(change_model):
    change_model("gpt3-175b", settings={"final_lr_fraction": 0.2, "decay_tokens": 200_000_000_000})
    found = measured("schedule_in_tokens", "gpt3-175b")
    assert found["final_fraction"] == 0.2
    assert found["decay_tokens"] == pytest.approx(2e11, rel=1e-3)


def test_without_clipping_the_gradient_arrives_in_full(change_model):
    change_model("gpt1", settings={"clip_norm": None})
    assert measured("gradient_clip", "gpt1") == pytest.approx(8e4)


def test_the_batch_ramps_are_those_of_the_paper():
    (claim,) = CLAIMS["batch_ramps"]
    (judged,) = judge([claim], Evidence(records={}))
    assert judged.judgement.verdict is Verdict.CONSISTENT
    assert measured("batch_ramps")["start_tokens"] == 16 * 2048


@pytest.mark.parametrize(
    ("model", "settings", "key"),
    [
        ("gpt3-xl", {"ramp_batch_size": 100}, "start_tokens"),
        ("gpt3-xl", {"ramp_batch_size": None, "ramp_tokens": None}, "start_tokens"),
        ("gpt3-medium", {"ramp_tokens": 3_000_000_000}, "ramp_from"),
        ("gpt3-13b", {"ramp_tokens": 14_000_000_000}, "ramp_to"),
    ],
)
def test_another_batch_ramp_measures_otherwise(model, settings, key, change_model):
    before = measured("batch_ramps")
    change_model(model, settings=settings)
    assert measured("batch_ramps")[key] != before[key]


def test_a_ramp_that_bends_is_noticed(monkeypatch):
    straight = BatchRamp.at
    monkeypatch.setattr(
        BatchRamp, "at", lambda self, seen: straight(self, min(seen, self.tokens) ** 2 / self.tokens)
    )
    assert measured("batch_ramps")["grows_evenly"] is False


class Repeating(Batches):
    """A source that draws with replacement."""

    def take(self, n_windows: int) -> np.ndarray:
        return super().take(n_windows) % (self.context * 10)


class Short(Batches):
    """A source that cuts its windows at a document's end."""

    def next(self):
        ids, targets = super().next()
        return ids[:, :6], targets[:, :6]


def test_drawing_with_replacement_is_noticed(monkeypatch):
    assert measured("reads_without_replacement")["read_once_in_an_epoch"] is True
    monkeypatch.setattr(training, "Batches", Repeating)
    assert measured("reads_without_replacement")["read_once_in_an_epoch"] is False


def test_short_windows_and_masked_documents_are_noticed(monkeypatch, change_model):
    assert set(measured("packing").values()) == {True}
    monkeypatch.setattr(training, "Batches", Short)
    change_model("gpt3-small", decoder={"attention": ("banded",), "window": 1})
    assert set(measured("packing").values()) == {False}


def test_every_probe_of_training_has_a_mutation():
    here = {name for name, function in PROBES.items() if function.__module__ == training.__name__}
    assert here == set(MUTATIONS) | {"batch_ramps", "reads_without_replacement", "packing"}, NO_MUTATION
