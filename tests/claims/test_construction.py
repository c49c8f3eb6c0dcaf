"""Every construction claim holds for what is built, and a mutation of what is built makes it fail."""

from __future__ import annotations

import dataclasses

import pytest
import torch

from gptrepro.claims import Evidence, Verdict, judge, load_claims
from gptrepro.claims import construction
from gptrepro.errors import GptreproError
from gptrepro.model import Decoder
from gptrepro.published import PUBLISHED

CONSTRUCTED = [claim for claim in load_claims() if claim.rule and claim.rule.name == "constructed"]

DECODER_MUTATIONS = {
    "blocks": {"n_layers": 11},
    "residual_width": {"d_model": 720},
    "heads": {"n_heads": 6},
    "feed_forward_width": {"d_ff": 2048},
    "longest_input": {"n_ctx": 513},
    "norm_placement": {"norm": "pre"},
    "norm_epsilon": {"norm_eps": 1e-6},
    "gelu_constant": {"activation": "gelu"},
    "position_table": {"n_ctx": 1024},
    "parameter_count": {"n_vocab": 40000},
    "initial_weights": {"init_std": 0.03},
    "dropout": {"dropout": 0.2},
}
SETTINGS_MUTATIONS = {
    "learning_rate_points": {"warmup_steps": 1000},
    "batch": {"batch_size": 32},
    "adam_moments": {"beta2": 0.95},
    "weight_decay": {"weight_decay": 0.1},
    "gradient_clip": {"clip_norm": 0.5},
}


@pytest.fixture(autouse=True)
def _forget_built_models():
    yield
    construction._shapes.cache_clear()
    construction.one_block.cache_clear()


def _verdict(claim) -> Verdict:
    construction._shapes.cache_clear()
    construction.one_block.cache_clear()
    (judged,) = judge([claim], Evidence(records={}))
    return judged.judgement.verdict


@pytest.mark.parametrize("claim", CONSTRUCTED, ids=lambda claim: claim.id)
def test_what_was_built_agrees_with_the_paper(claim):
    assert _verdict(claim) is Verdict.CONSISTENT


@pytest.mark.parametrize("claim", CONSTRUCTED, ids=lambda claim: claim.id)
def test_a_mutation_of_what_was_built_is_noticed(claim, monkeypatch):
    name, probe = claim.rule.arguments["model"], claim.rule.arguments["probe"]
    model = PUBLISHED[name]
    if probe in DECODER_MUTATIONS:
        decoder = dataclasses.replace(model.decoder, **DECODER_MUTATIONS[probe])
        monkeypatch.setitem(PUBLISHED, name, dataclasses.replace(model, decoder=decoder))
    elif probe in SETTINGS_MUTATIONS:
        settings = dataclasses.replace(model.recipe.settings, **SETTINGS_MUTATIONS[probe])
        recipe = dataclasses.replace(model.recipe, settings=settings)
        monkeypatch.setitem(PUBLISHED, name, dataclasses.replace(model, recipe=recipe))
    else:
        assert probe == "output_is_token_embedding", f"add a mutation for the probe {probe}"
        monkeypatch.setattr(Decoder, "forward", _untied)
    assert _verdict(claim) is Verdict.NOT_REPLICATED


def _untied(self: Decoder, ids: torch.Tensor) -> torch.Tensor:
    generator = torch.Generator().manual_seed(1)
    return self.hidden(ids) @ torch.randn(self.wte.weight.shape, generator=generator).T


def test_probes_leave_the_model_as_they_found_it():
    before = [p.detach().clone() for p in construction.one_block("gpt1").parameters()]
    for probe in construction.PROBES.values():
        probe("gpt1")
    after = construction.one_block("gpt1").parameters()
    assert all(torch.allclose(old, new, atol=1e-6) for old, new in zip(before, after, strict=True))


def test_an_unknown_probe_is_one_sentence():
    with pytest.raises(GptreproError, match="no probe 'depth'"):
        construction.probe("depth", "gpt1")
