"""Accumulation gives the update of the whole batch."""

from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from gptrepro.errors import GptreproError
from gptrepro.train.feed import IGNORED_TARGET, passes
from tests.train.tiny import CONTEXT, N_VOCAB, tiny_model, train_tiny


@given(count=st.integers(1, 7), ignored=st.sets(st.integers(0, 5 * CONTEXT - 1), max_size=5 * CONTEXT - 1))
@settings(max_examples=15, deadline=None)
def test_gradients_of_the_passes_add_up_to_that_of_the_batch(count: int, ignored: set[int]) -> None:
    generator = torch.Generator().manual_seed(1)
    ids = torch.randint(0, N_VOCAB, (5, CONTEXT), generator=generator)
    targets = torch.randint(0, N_VOCAB, (5, CONTEXT), generator=generator)
    targets.view(-1)[list(ignored)] = IGNORED_TARGET
    whole, cut = tiny_model(dropout=0.0), tiny_model(dropout=0.0)
    whole.loss(ids, targets).backward()
    for part, weight in passes((ids, targets), count):
        (cut.loss(*part) * weight).backward()
    for a, b in zip(whole.parameters(), cut.parameters(), strict=True):
        torch.testing.assert_close(a.grad, b.grad, rtol=1e-4, atol=1e-6)


def test_a_training_that_accumulates_repeats_the_losses_of_the_big_batch(tmp_path: Path) -> None:
    whole = train_tiny(tmp_path / "whole", dropout=0.0)
    cut = train_tiny(tmp_path / "cut", dropout=0.0, accumulate=4)
    assert [r["tokens"] for r in cut.history] == [r["tokens"] for r in whole.history]
    assert [r["loss"] for r in cut.history] == pytest.approx([r["loss"] for r in whole.history], rel=1e-4)


@pytest.mark.parametrize("count", [1, 2, 5])
def test_a_batch_without_a_scored_target_is_one_sentence(count: int) -> None:
    """Its mean is nan in one pass, and a sum over no passes, 0.0, in several."""
    ids = torch.ones(5, CONTEXT, dtype=torch.int64)
    with pytest.raises(GptreproError, match="no target that is scored"):
        list(passes((ids, torch.full_like(ids, IGNORED_TARGET)), count))
