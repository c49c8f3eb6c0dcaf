"""Batches: every window once an epoch, in an order that any machine repeats, from an exact position."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from gptrepro.errors import GptreproError
from gptrepro.text.batches import Batches

GOLDEN = [[17, 31, 38, 10], [24, 3, 8, 36], [1, 29, 15, 22], [40, 12, 5, 26]]


@dataclass
class Stream:
    """Tokens that are their own positions, so that a window shows where it came from."""

    n_tokens: int
    digest: str = "a" * 64
    tokens: NDArray[np.uint16] = field(init=False)

    def __post_init__(self) -> None:
        self.tokens = np.arange(self.n_tokens, dtype=np.uint16)


def starts_of(batches: Batches, n_batches: int) -> list[list[int]]:
    return [batches.next()[0][:, 0].tolist() for _ in range(n_batches)]


def test_shapes_and_shift() -> None:
    ids, targets = Batches(Stream(100), batch_size=3, context=8, seed=0).next()
    assert ids.shape == targets.shape == (3, 8)
    assert ids.dtype == targets.dtype == torch.int64
    assert ids.is_contiguous() and targets.is_contiguous()
    assert torch.equal(targets, ids + 1)
    assert torch.equal(ids, ids[:, :1] + torch.arange(8))


@given(
    n_tokens=st.integers(2, 400),
    context=st.integers(1, 50),
    seed=st.integers(0, 2**40),
    batch_size=st.integers(1, 7),
)
def test_an_epoch_visits_every_window_once(n_tokens: int, context: int, seed: int, batch_size: int) -> None:
    stream = Stream(n_tokens)
    if n_tokens < context + 1:
        with pytest.raises(GptreproError, match="fewer than one window"):
            Batches(stream, batch_size, context, seed)
        return
    batches = Batches(stream, batch_size, context, seed)
    for epoch in range(2):
        starts = []
        while batches.epochs < epoch + 1:
            starts += batches.take(1)[:, 0].tolist()
        starts.sort()
        assert 0 <= starts[0] < context
        assert np.all(np.diff(starts) == context)
        assert n_tokens - 1 - context < starts[-1] + context <= n_tokens - 1


def test_the_order_is_the_same_on_every_machine() -> None:
    batches = Batches(Stream(50), batch_size=4, context=7, seed=100)
    assert starts_of(batches, 4) == GOLDEN


def test_seeds_and_epochs_differ() -> None:
    first, again, other = (Batches(Stream(2000), 10, 10, seed=seed) for seed in (1, 1, 2))
    epoch = starts_of(first, 19)
    assert epoch == starts_of(again, 19)
    assert epoch != starts_of(other, 19)
    assert epoch != starts_of(first, 19)


def test_the_position_is_exact_and_json() -> None:
    batches = Batches(Stream(500), batch_size=4, context=16, seed=3)
    for _ in range(9):
        batches.next()
    state = json.loads(json.dumps(batches.state_dict()))
    expected = starts_of(batches, 20)
    resumed = Batches(Stream(500), batch_size=4, context=16, seed=3)
    resumed.load_state_dict(state)
    assert starts_of(resumed, 20) == expected


@pytest.mark.parametrize(
    ("other", "what"),
    [
        (Batches(Stream(500, digest="b" * 64), 4, 16, seed=3), "text"),
        (Batches(Stream(500), 4, 16, seed=4), "seed"),
        (Batches(Stream(500), 4, 8, seed=3), "context"),
    ],
)
def test_a_position_in_something_else_is_refused(other: Batches, what: str) -> None:
    state = Batches(Stream(500), batch_size=4, context=16, seed=3).state_dict()
    with pytest.raises(GptreproError, match=f"belongs to another {what}"):
        other.load_state_dict(state)


def test_the_batch_size_may_grow() -> None:
    grown, whole = (Batches(Stream(500), batch_size=2, context=16, seed=3) for _ in range(2))
    first = grown.next()[0]
    grown.batch_size = 6
    ids = torch.cat([first, grown.next()[0]])
    whole.batch_size = 8
    assert torch.equal(ids, whole.next()[0])
