"""Arms of one seed: they read the same windows, resume where they stopped, and share one history."""

from __future__ import annotations

import time

import pytest
import torch

from gptrepro.experiments.arms import merged, train_arm
from gptrepro.experiments.base import Unit, UnitOver
from gptrepro.experiments.prepare import trained_tokenizer
from gptrepro.model import Decoder, DecoderConfig
from gptrepro.sources.corpora import load_corpus
from gptrepro.text.shards import write_shards
from gptrepro.train import TrainSettings


def test_an_arm_stops_at_the_deadline_goes_on_and_is_then_only_read(tmp_path):
    corpus = load_corpus("plays", split="heldout")
    shards = write_shards(
        corpus, trained_tokenizer("gpt2", corpus, 300, tmp_path, documents=1), tmp_path, 5000
    )
    settings = TrainSettings(steps=3, batch_size=2, context=16, peak_lr=1e-3, log_every=1)

    def arm(seconds: float):
        torch.manual_seed(0)
        model = Decoder(DecoderConfig(n_vocab=300, n_ctx=16, n_layers=1, d_model=16, n_heads=2))
        unit = Unit(100, tmp_path / "seed", tmp_path, deadline=time.monotonic() + seconds)
        return train_arm(
            "a", model, shards, settings, unit, experiment="e", evaluate=lambda _: {"score": 1.0}
        )

    for _ in range(2):  # no time left: an update each, and state saved
        with pytest.raises(UnitOver):
            arm(0)
    finished = arm(60)
    assert (finished.step, finished.history[-1]["score"]) == (3, 1.0)
    assert arm(0).history == finished.history
    assert (tmp_path / "seed" / "a" / "metrics.jsonl").exists()


def test_histories_are_joined_by_step():
    one = [{"step": 1.0, "tokens": 8.0, "loss": 3.0}, {"step": 2.0, "tokens": 16.0, "loss": 2.0, "bits": 1.0}]
    other = [{"step": 2.0, "tokens": 16.0, "loss": 2.5}]
    assert merged({"a": one, "b": other}, ("loss", "bits")) == [
        {"step": 1.0, "tokens": 8.0, "loss_a": 3.0},
        {"step": 2.0, "tokens": 16.0, "loss_a": 2.0, "bits_a": 1.0, "loss_b": 2.5},
    ]
