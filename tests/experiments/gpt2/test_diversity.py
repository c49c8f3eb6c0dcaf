"""The arms read equally much and differ in what they read alone."""

from __future__ import annotations

import pytest

from gptrepro.experiments.gpt2.diversity import DIVERSITY, LEFT_OUT
from gptrepro.scales import Scale
from gptrepro.sources.catalogue import catalogue


@pytest.mark.parametrize("scale", [scale for scale in Scale if scale is not Scale.SMOKE])
def test_arms_differ_in_what_they_read_alone(scale: Scale) -> None:
    arms = DIVERSITY.config(scale).arms
    shared = [arm.model_dump(exclude={"corpus"}) for arm in arms.values()]
    assert all(each == shared[0] for each in shared)
    assert arms["novels"].corpus == "books"
    domains = set(catalogue().corpus("webtext").members)
    assert set(arms["mixed"].weights) == domains
    for name in LEFT_OUT:
        (gone,) = domains - set(arms[f"without {name}"].weights)
        assert gone.endswith(name)


def test_every_domain_is_scored_on_its_held_out_text() -> None:
    scored = {corpus.name for corpus in DIVERSITY.config(Scale.LAPTOP).scored.values()}
    assert set(catalogue().corpus("webtext").members) <= scored
