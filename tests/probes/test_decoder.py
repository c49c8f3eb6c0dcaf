"""Behaviour: a decoder that behaves otherwise measures otherwise."""

from __future__ import annotations

import pytest
import torch

from gptrepro.model import Decoder
from gptrepro.probes import built, decoder

from .mutations import measured


def test_another_decoder_measures_otherwise(change_model):
    before = measured("norm_placement", "gpt1")
    change_model("gpt1", decoder={"norm": "pre"})
    assert measured("norm_placement", "gpt1") != before


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


def test_a_norm_at_the_start_is_told_from_one_after_each_addition(change_model):
    assert measured("norms_of_a_block", "gpt1") == {"after_each_addition": True, "at_the_start": False}
    change_model("gpt1", decoder={"norm": "pre"})
    assert measured("norms_of_a_block", "gpt1") == {"after_each_addition": False, "at_the_start": True}


def test_keys_from_elsewhere_are_noticed():
    """An attention whose keys do not move with its own tokens, as those of an encoder would not."""
    attention = built.first_block(built.reduced("gpt1")).attn
    width = attention.c_attn.weight.shape[0]
    with torch.no_grad():
        attention.c_attn.weight[:, width : 2 * width] = 0
    found = decoder.attention_sources("gpt1")
    assert found == {"query": "its own sequence", "key": "elsewhere", "value": "its own sequence"}
    built.forget()
