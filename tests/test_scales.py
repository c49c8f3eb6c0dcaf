"""Scales are ordered by cost; smoke is never evidence."""

from __future__ import annotations

import re

import pytest

from gptrepro import storage
from gptrepro.errors import GptreproError
from gptrepro.scales import Scale, largest_first, parse_scale


def test_order_and_evidence():
    assert largest_first() == (Scale.PAPER, Scale.GPU, Scale.LAPTOP), "state here where the new scale stands"
    assert [scale for scale in Scale if not scale.publishable] == [Scale.SMOKE]
    assert parse_scale("gpu") is Scale.GPU
    with pytest.raises(GptreproError, match="choose smoke, laptop, gpu, paper"):
        parse_scale("huge")


def test_every_scale_is_named_where_readers_choose_one():
    for place in ("README.md", "book/reproduce.md", "Makefile", "gptrepro/cli/printing.py"):
        text = (storage.project_root() / place).read_text(encoding="utf-8")
        missing = [scale for scale in Scale if not re.search(rf"\b{scale}\b", text)]
        assert not missing, f"{place} does not name {missing}: say there what each is for"
