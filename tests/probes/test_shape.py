"""Counts and shapes: a model that is built otherwise measures otherwise."""

from __future__ import annotations

import pytest

from gptrepro.model.decoder import Block
from gptrepro.probes import PROBES, shape

from .mutations import NO_MUTATION, measured

MUTATIONS = {
    "blocks": ("gpt1", {"n_layers": 11}),
    "residual_width": ("gpt1", {"d_model": 720}),
    "feed_forward_width": ("gpt1", {"d_ff": 2048}),
    "widening": ("gpt3-small", {"d_ff": 2048}),
    "vocabulary_rows": ("gpt2-124m", {"n_vocab": 50256}),
    "heads": ("gpt1", {"n_heads": 6}),
    "longest_input": ("gpt1", {"n_ctx": 513}),
    "parameter_count": ("gpt1", {"n_vocab": 40000}),
    "parameters": ("gpt2-124m", {"n_ctx": 1023}),
    "parameters_in_blocks": ("gpt2-124m", {"d_ff": 3071}),
    "size": ("gpt2-124m", {"n_heads": 6}),
    "times_gpt1": ("gpt2-1558m", {"n_layers": 12}),
    "times_gpt2": ("gpt3-175b", {"n_layers": 12}),
    "attention_is_small": ("gpt3-small", {"attention": ("dense",)}),
    "matrix_weights": ("gpt2-124m", {"d_ff": 2048}),
    "banding": ("gpt3-small", {"attention": ("dense",)}),
}


@pytest.mark.parametrize("name", MUTATIONS)
def test_another_model_measures_otherwise(name, change_model):
    model, decoder = MUTATIONS[name]
    before = measured(name, model)
    change_model(model, decoder=decoder)
    assert measured(name, model) != before


def test_operations_are_counted_as_they_run(monkeypatch):
    before = measured("flops_per_parameter", "gpt2-124m")
    assert before == {"forward": 2.0, "train": 6.0}
    once = Block.forward
    monkeypatch.setattr(Block, "forward", lambda self, x, keep=None: once(self, once(self, x, keep), keep))
    assert measured("flops_per_parameter", "gpt2-124m")["forward"] == 4.0


def test_every_probe_of_shapes_has_a_mutation():
    here = {name for name, function in PROBES.items() if function.__module__ == shape.__name__}
    assert here == set(MUTATIONS) | {"flops_per_parameter"}, NO_MUTATION
