"""Places by hash: fixed for all time, and evenly spread."""

from __future__ import annotations

from collections import Counter

from gptrepro.tasks.parts import hashed, place_of


def test_a_place_is_fixed_for_all_time():
    assert hashed("").hex().startswith("e3b0c44298fc1c14")
    assert place_of("", 10) == 0xE3B0C44298FC1C14 % 10


def test_places_are_evenly_spread():
    counts = Counter(place_of(f"word {i}", 20) for i in range(20_000))
    assert set(counts) == set(range(20)) and 850 < min(counts.values()) <= max(counts.values()) < 1150
