"""The arms differ in what a token is, and in as little else as can be."""

from __future__ import annotations

from pathlib import Path

import pytest

from gptrepro.experiments.gpt2.units import UNITS
from gptrepro.scales import Scale


@pytest.mark.parametrize("scale", [scale for scale in Scale if scale is not Scale.SMOKE])
def test_the_arms_cost_the_same(scale: Scale) -> None:
    costs = [arm.budget() for arm in UNITS.config(scale).arms.values()]
    assert len({cost.tokens for cost in costs}) == 1
    assert max(cost.parameters for cost in costs) < 1.15 * min(cost.parameters for cost in costs)
    assert max(cost.flops for cost in costs) < 1.4 * min(cost.flops for cost in costs)


def test_all_arms_are_scored_on_the_same_bytes(tmp_path: Path) -> None:
    config = UNITS.config(Scale.SMOKE)
    page = config.scored_text()
    assert len(page) == config.scored_characters
    for arm in config.arms.values():
        tokenizer = arm.load_tokenizer(tmp_path)
        assert tokenizer.decode(tokenizer.encode(page)) == page


def test_a_token_of_the_first_arm_is_a_byte(tmp_path: Path) -> None:
    tokenizer = UNITS.config(Scale.SMOKE).arms["bytes"].load_tokenizer(tmp_path)
    assert tokenizer.merges == []
