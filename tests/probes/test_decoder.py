"""Behaviour: a decoder that behaves otherwise measures otherwise."""

from __future__ import annotations

import pytest
import torch

from gptrepro.model import Decoder
from gptrepro.probes import PROBES, built, decoder

from .mutations import NO_MUTATION, measured

MUTATIONS = {
    "norm_placement": ("gpt1", {"norm": "pre"}),
    "block_order": ("gpt3-small", {"norm": "post"}),
    "final_norm": ("gpt2-124m", {"norm": "post"}),
    "norm_epsilon": ("gpt1", {"norm_eps": 1e-6}),
    "gelu_constant": ("gpt1", {"activation": "gelu"}),
    "position_table": ("gpt1", {"n_ctx": 1024}),
    "past_that_matters": ("gpt1", {"attention": ("banded",), "window": 1}),
    "attention_pattern": ("gpt3-small", {"attention": ("dense",)}),
    "initial_weights": ("gpt1", {"init_std": 0.03}),
    "initial_spread": ("gpt2-124m", {"init_std": 0.03}),
    "residual_scaling": ("gpt2-124m", {"residual_init": "plain"}),
    "dropout": ("gpt1", {"dropout": 0.2}),
}
PATCHED = {"output_is_token_embedding", "ends_of_the_stack", "attention_sources"}


@pytest.mark.parametrize("name", MUTATIONS)
def test_another_decoder_measures_otherwise(name, change_model):
    model, changes = MUTATIONS[name]
    before = measured(name, model)
    change_model(model, decoder=changes)
    assert measured(name, model) != before


def test_the_order_of_banded_and_dense_layers_counts(change_model):
    change_model("gpt3-small", decoder={"attention": ("banded", "dense")})
    assert measured("attention_pattern", "gpt3-small")["pattern"] == "mixed"


@pytest.mark.parametrize("per_block", [1, 3])
def test_the_number_in_the_residual_scaling_is_measured(per_block, monkeypatch):
    """Weights that start as if one block counted once, or three times."""
    model = built.reduced("gpt2-124m")
    with torch.no_grad():
        for weight in decoder._projections(model, into_stream=True):
            weight *= (2 / per_block) ** 0.5
    assert decoder.residual_scaling("gpt2-124m")["counted_for_each_block"] == pytest.approx(
        per_block, abs=0.05
    )
    built.forget()


def test_an_output_of_its_own_is_noticed(monkeypatch):
    def untied(self: Decoder, hidden: torch.Tensor) -> torch.Tensor:
        generator = torch.Generator().manual_seed(1)
        return hidden @ torch.randn(self.wte.weight.shape, generator=generator).T + 1.0

    monkeypatch.setattr(Decoder, "logits", untied)
    assert measured("output_is_token_embedding", "gpt1") is False
    found = measured("ends_of_the_stack", "gpt1")
    assert found == {"embeddings_are_added": True, "output_is_tied": False, "output_bias": True}


def test_embeddings_that_are_not_added_are_noticed(monkeypatch):
    model = built.reduced("gpt1")
    model.drop = torch.nn.Softmax(dim=-1)
    assert decoder.ends_of_the_stack("gpt1")["embeddings_are_added"] is False
    built.forget()


def test_keys_from_elsewhere_are_noticed():
    """An attention whose keys do not move with its own tokens, as those of an encoder would not."""
    attention = built.first_block(built.reduced("gpt1")).attn
    width = attention.c_attn.weight.shape[0]
    with torch.no_grad():
        attention.c_attn.weight[:, width : 2 * width] = 0
    found = decoder.attention_sources("gpt1")
    assert found == {"query": "its own sequence", "key": "elsewhere", "value": "its own sequence"}
    built.forget()


def test_every_probe_of_behaviour_has_a_mutation():
    here = {name for name, function in PROBES.items() if function.__module__ == decoder.__name__}
    assert here == set(MUTATIONS) | PATCHED, NO_MUTATION
