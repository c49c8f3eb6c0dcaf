"""Counts and shapes: a model that is built otherwise measures otherwise."""

from __future__ import annotations

from gptrepro.model.decoder import Block

from .mutations import measured


def test_another_model_measures_otherwise(change_model):
    before = measured("size", "gpt2-124m")
    change_model("gpt2-124m", decoder={"n_heads": 6})
    assert measured("size", "gpt2-124m") != before


def test_operations_are_counted_as_they_run(monkeypatch):
    before = measured("flops_per_parameter", "gpt2-124m")
    assert before == {"forward": 2.0, "train": 6.0}
    once = Block.forward
    monkeypatch.setattr(Block, "forward", lambda self, x, keep=None: once(self, once(self, x, keep), keep))
    assert measured("flops_per_parameter", "gpt2-124m")["forward"] == 4.0
