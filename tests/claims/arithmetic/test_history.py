"""Arithmetic on other texts: the two forms of the sinusoids are one."""

from __future__ import annotations

import math

from gptrepro.claims.arithmetic import history


def test_both_forms_of_the_sinusoids_agree_and_a_third_does_not(monkeypatch):
    assert history.sinusoids()["agree"] is True
    monkeypatch.setattr(history, "_BY_PAIR", (math.cos, math.sin))
    assert history.sinusoids()["agree"] is False


def test_growth_is_in_sequences_and_tokens():
    before = {"sequences": 64, "tokens_per_update": 64 * 512}
    found = history.growth(before, {"sequences": 512, "context": 1024})
    assert found == {"times_the_sequences": 8.0, "times_the_tokens": 16.0}
