"""Reduced copies keep the published structure; forgetting builds anew."""

from __future__ import annotations

import dataclasses

from gptrepro.probes import built, forget
from gptrepro.published import PUBLISHED

NARROWED = {"d_model", "n_heads", "d_head", "d_ff", "n_vocab"}


def test_a_reduced_copy_differs_in_width_alone():
    for model in PUBLISHED.values():
        reduced = dataclasses.asdict(built.reduced_config(model.decoder))
        published = dataclasses.asdict(model.decoder)
        assert {name for name in published if reduced[name] != published[name]} <= NARROWED


def test_the_largest_model_takes_no_storage():
    assert all(p.is_meta for p in built.whole("gpt3-175b").parameters())


def test_models_are_built_once_until_forgotten():
    first = built.reduced("gpt1")
    assert built.reduced("gpt1") is first
    forget()
    assert built.reduced("gpt1") is not first
