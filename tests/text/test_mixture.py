"""Mixtures: the source of a window depends on its index, however windows are cut into batches."""

from __future__ import annotations

import json
from collections import Counter

import numpy as np
import pytest

from gptrepro.errors import GptreproError
from gptrepro.text.batches import Batches
from gptrepro.text.mixture import BLOCK, Mixture
from tests.text.test_batches import Stream, starts_of


def mixture(seed: int = 5, weight: float = 3.0) -> Mixture:
    small, large = Stream(300), Stream(60_000, digest="b" * 64)
    large.tokens = large.tokens + np.uint16(1000)
    sources = [(Batches(small, 8, 10, seed=1), 1.0), (Batches(large, 8, 10, seed=2), weight)]
    return Mixture(sources, seed=seed)


def test_a_mixture_goes_through_each_source_in_its_order() -> None:
    starts = mixture().take(4000)[:, 0].tolist()
    small = Batches(Stream(300), 1, 10, seed=1)
    drawn = [start for start in starts if start < 300]
    assert drawn == [int(small.take(1)[0, 0]) for _ in drawn]
    times = Counter(drawn[: len(drawn) // 29 * 29])
    assert len(times) > 29  # the offset moves from epoch to epoch


@pytest.mark.parametrize("seed", range(4))
def test_shares_hold_within_their_binomial_error(seed: int) -> None:
    n = 3 * BLOCK + 100
    small = int((mixture(seed).take(n)[:, 0] < 300).sum())
    assert abs(small - n / 4) < 4 * (n * 0.25 * 0.75) ** 0.5


def test_blocks_draw_their_sources_anew() -> None:
    is_small = mixture().take(2 * BLOCK)[:, 0] < 300
    assert not np.array_equal(is_small[:BLOCK], is_small[BLOCK:])


def test_batches_of_any_size_hold_the_same_windows() -> None:
    whole, halves, across = mixture(), mixture(), mixture()
    expected = whole.take(2 * BLOCK + 8)
    cut = [halves.take(4) for _ in range(len(expected) // 4)]
    assert np.array_equal(np.concatenate(cut), expected)
    blocks = [across.take(n) for n in (BLOCK - 3, 0, 7, BLOCK, 4)]
    assert np.array_equal(np.concatenate(blocks), expected)


def test_a_window_can_be_sought_without_those_before_it() -> None:
    read, sought = mixture(), mixture()
    read.take(2 * BLOCK + 5)
    sought.seek(2 * BLOCK + 5)
    assert np.array_equal(read.take(50), sought.take(50))


def test_a_mixtures_position_is_an_index_and_json() -> None:
    batches = mixture()
    for _ in range(7):
        batches.next()
    state = json.loads(json.dumps(batches.state_dict()))
    assert state["index"] == 7 * 8
    expected = starts_of(batches, 10)
    resumed = mixture()
    resumed.load_state_dict(state)
    assert starts_of(resumed, 10) == expected


@pytest.mark.parametrize("other", [mixture(seed=6), mixture(weight=2.0)])
def test_a_position_in_another_mixture_is_refused(other: Mixture) -> None:
    with pytest.raises(GptreproError, match="another mixture"):
        other.load_state_dict(mixture().state_dict())


def test_a_mixture_needs_equal_shapes_and_positive_weights() -> None:
    one, two = Batches(Stream(300), 8, 10, seed=1), Batches(Stream(300), 8, 12, seed=1)
    for sources in ([(one, 1.0), (two, 1.0)], [(one, 0.0)], []):
        with pytest.raises(GptreproError, match="A mixture needs"):
            Mixture(sources, seed=0)
