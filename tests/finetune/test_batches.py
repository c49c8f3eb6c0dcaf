"""Batches of labelled rows: each once an epoch, in an order that can be resumed."""

from __future__ import annotations

from collections import Counter

import pytest
import torch

from gptrepro.errors import GptreproError
from gptrepro.finetune import EncodedExample, LabelledBatches

ROWS = [EncodedExample([[100, i, 102]], i) for i in range(10)]


def labels(batches: LabelledBatches, n: int) -> list[int]:
    return [label for _ in range(n) for label in batches.next()[1].tolist()]


def test_every_row_comes_once_an_epoch_also_across_batches() -> None:
    drawn = labels(LabelledBatches(ROWS, 4, seed=0), 5)
    assert Counter(drawn[:10]) == Counter(drawn[10:]) == Counter(range(10))
    assert drawn[:10] != drawn[10:]


def test_a_batch_may_be_larger_than_the_data() -> None:
    drawn = labels(LabelledBatches(ROWS[:3], 8, seed=0), 1)
    assert sorted(Counter(drawn).values()) == [2, 3, 3]


def test_the_order_depends_on_the_seed() -> None:
    assert labels(LabelledBatches(ROWS, 4, seed=0), 5) == labels(LabelledBatches(ROWS, 4, seed=0), 5)
    assert labels(LabelledBatches(ROWS, 4, seed=0), 5) != labels(LabelledBatches(ROWS, 4, seed=1), 5)


def test_a_saved_position_goes_on_exactly_and_only_with_its_rows() -> None:
    batches = LabelledBatches(ROWS, 4, seed=0)
    labels(batches, 3)
    state = batches.state_dict()
    expected = [batches.next() for _ in range(4)]
    fresh = LabelledBatches(ROWS, 4, seed=0)
    fresh.load_state_dict(state)
    for ids, right in expected:
        again, too = fresh.next()
        assert torch.equal(ids, again) and torch.equal(right, too)
    for other in (LabelledBatches(ROWS, 4, seed=1), LabelledBatches(ROWS[:-1], 4, seed=0)):
        with pytest.raises(GptreproError, match="other labelled rows or another seed"):
            other.load_state_dict(state)


def test_no_rows_are_refused() -> None:
    with pytest.raises(GptreproError, match="no labelled rows to train on"):
        LabelledBatches([], 4, seed=0)
