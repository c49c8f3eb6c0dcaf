"""Probes by name: all are used, all take what claims give them, none leaves a trace."""

from __future__ import annotations

import inspect

import pytest

from gptrepro.errors import GptreproError
from gptrepro.probes import PROBES, built, probe

from .mutations import CLAIMS, models_of


def test_every_probe_judges_a_claim():
    assert set(PROBES) == set(CLAIMS), (
        "probes and rules differ: let a claim's rule name the probe, correct the name, or delete the probe"
    )


def test_probes_take_a_model_where_claims_name_one():
    for name in CLAIMS:
        assert bool(inspect.signature(PROBES[name]).parameters) == bool(models_of(name)), name


def test_an_unknown_probe_is_one_sentence():
    with pytest.raises(GptreproError, match="no probe 'depth'"):
        probe("depth", "gpt1")


def test_probes_leave_the_model_as_they_found_it():
    for build in (built.reduced, built.one_block):
        before = [p.detach().clone() for p in build("gpt1").parameters()]
        for name, function in PROBES.items():
            if inspect.signature(function).parameters:
                probe(name, "gpt1")
        after = list(build("gpt1").parameters())
        assert all((old - new).abs().max() < 1e-6 for old, new in zip(before, after, strict=True))
        assert all(p.grad is None or not p.grad.any() for p in after)
