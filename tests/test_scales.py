"""Scales are ordered by cost; smoke is never evidence."""

from __future__ import annotations

import pytest

from gptrepro.errors import GptreproError
from gptrepro.scales import Scale, largest_first, parse_scale, threads


def test_order_and_evidence():
    assert largest_first() == (Scale.PAPER, Scale.GPU, Scale.LAPTOP)
    assert [scale for scale in Scale if not scale.publishable] == [Scale.SMOKE]
    assert parse_scale("gpu") is Scale.GPU
    with pytest.raises(GptreproError, match="choose smoke, laptop, gpu, paper"):
        parse_scale("huge")


def test_threads(monkeypatch):
    monkeypatch.setenv("GPTREPRO_THREADS", "3")
    assert threads() == 3
    monkeypatch.setenv("GPTREPRO_THREADS", "many")
    with pytest.raises(GptreproError, match="positive whole number"):
        threads()
    monkeypatch.delenv("GPTREPRO_THREADS")
    assert threads() >= 1
