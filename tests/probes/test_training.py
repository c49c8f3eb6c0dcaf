"""Schedules, optimisers and data: a training that runs otherwise measures otherwise."""

from __future__ import annotations

import numpy as np
import pytest

from gptrepro.claims import Evidence, Verdict, judge
from gptrepro.probes import training
from gptrepro.text.batches import Batches
from gptrepro.train.schedule import BatchRamp

from .mutations import CLAIMS, measured


def test_another_training_measures_otherwise(change_model):
    before = measured("adam_moments", "gpt1")
    change_model("gpt1", settings={"beta2": 0.95})
    assert measured("adam_moments", "gpt1") != before


def test_the_floor_of_the_schedule_is_measured(change_model):
    change_model("gpt3-175b", settings={"final_lr_fraction": 0.2, "decay_tokens": 200_000_000_000})
    found = measured("schedule_in_tokens", "gpt3-175b")
    assert found["final_fraction"] == 0.2
    assert found["decay_tokens"] == pytest.approx(2e11, rel=1e-3)


def test_the_batch_ramps_are_those_of_the_paper():
    (claim,) = CLAIMS["batch_ramps"]
    (judged,) = judge([claim], Evidence(records={}))
    assert judged.judgement.verdict is Verdict.AGREES
    assert measured("batch_ramps")["start_tokens"] == 16 * 2048


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
