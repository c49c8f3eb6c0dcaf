"""Orders: items once an epoch, from a position that can be saved or sought."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from gptrepro.text.order import EpochOrder, random_words, shuffled

WORDS = [7520974652174770974, 3038067853344574570]


def of_unequal_epochs(epoch: int) -> NDArray[np.int64]:
    """Three to five items an epoch, which say their epoch."""
    return shuffled(random_words(1, epoch, 3 + epoch % 3)) + 100 * epoch


@given(sizes=st.lists(st.integers(0, 9), max_size=8))
def test_what_is_taken_together_or_apart_is_the_same(sizes: list[int]) -> None:
    apart, whole = EpochOrder(of_unequal_epochs), EpochOrder(of_unequal_epochs)
    taken = [item for size in sizes for item in apart.take(size)]
    assert taken == whole.take(sum(sizes)).tolist()


@given(index=st.integers(0, 40))
def test_seeking_and_a_saved_position_lead_where_reading_does(index: int) -> None:
    read, sought, saved = (EpochOrder(of_unequal_epochs) for _ in range(3))
    read.take(index)
    sought.seek(index)
    saved.load_state_dict(read.state_dict())
    expected = read.take(7).tolist()
    assert sought.take(7).tolist() == saved.take(7).tolist() == expected


def test_an_epoch_has_every_item_once() -> None:
    order = EpochOrder(of_unequal_epochs)
    assert sorted(order.take(3).tolist()) == [0, 1, 2]
    assert order.epochs == 1.0
    assert sorted(order.take(4).tolist()) == [100, 101, 102, 103]


def test_random_words_are_the_same_on_every_machine() -> None:
    assert random_words(100, 2, 2).tolist() == WORDS
