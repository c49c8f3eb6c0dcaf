"""One position at a time gives what the whole sequence gives."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from gptrepro.errors import GptreproError
from gptrepro.generation.cache import REARRANGE_AFTER, Continuation
from gptrepro.model.language_model import inference
from tests.model.small import small_decoder

KINDS: list[dict[str, Any]] = [
    {"norm": "post"},
    {"norm": "pre"},
    {"norm": "pre", "attention": ("dense", "banded")},
    {"norm": "post", "attention": ("banded",), "activation": "relu", "d_head": 5},
]


@settings(max_examples=20, deadline=None)
@given(
    kind=st.sampled_from(KINDS),
    window=st.integers(1, 40),
    lengths=st.lists(st.integers(1, 30), min_size=1, max_size=4),
    new=st.integers(1, 34),
    data=st.data(),
)
def test_cached_steps_equal_the_uncached_model(
    kind: dict[str, Any], window: int, lengths: list[int], new: int, data: st.DataObject
) -> None:
    """Random prompts of unequal lengths, forced random continuations, every attention and window."""
    model = small_decoder(seed=window, window=window, **kind).double()
    token = st.integers(0, 60)
    rows = [data.draw(st.lists(token, min_size=n + new, max_size=n + new)) for n in lengths]
    with torch.no_grad():
        uncached = [model(torch.tensor([row]))[0] for row in rows]
    with inference(model):
        continuation = Continuation(model, [row[:n] for row, n in zip(rows, lengths, strict=True)], new)
        logits = continuation.logits
        for step in range(new):
            expected = torch.stack([all_[n + step - 1] for all_, n in zip(uncached, lengths, strict=True)])
            torch.testing.assert_close(logits, expected, rtol=1e-9, atol=1e-9)
            if step < new - 1:
                logits = continuation.append(
                    torch.tensor([row[n + step] for row, n in zip(rows, lengths, strict=True)])
                )


def test_a_banded_layer_keeps_only_its_window() -> None:
    model = small_decoder(norm="pre", attention=("dense", "banded"), window=7)
    with inference(model):
        continuation = Continuation(model, [[1] * 20], max_new_tokens=30)
    assert [len(slots.buffer) for slots in continuation.slots] == [50, 7, 50, 7]


@pytest.mark.parametrize("lengths", [[6, 6, 6], [3, 9, 5]])
def test_reordered_rows_continue_as_the_rows_that_they_copy(lengths: list[int]) -> None:
    model = small_decoder(norm="pre", attention=("dense", "banded"), window=4)
    prompts = [torch.randint(61, (n,)).tolist() for n in lengths]
    with inference(model):
        plain = Continuation(model, prompts, 3)
        moved = Continuation(model, prompts, 3)
        moved.reorder(torch.tensor([2, 0, 2, 1]))
        for token in (5, 6, 7):
            expected = plain.append(torch.full((3,), token))
            torch.testing.assert_close(moved.append(torch.full((4,), token)), expected[[2, 0, 2, 1]])


def test_inference_switches_dropout_gradients_and_autocast_off_and_back() -> None:
    model = small_decoder(norm="pre", dropout=0.5).train()
    model.h[0].eval()  # a frozen part stays as it was
    with torch.autocast("cpu", dtype=torch.bfloat16), inference(model):
        assert not model.training
        logits = Continuation(model, [[1, 2, 3]], REARRANGE_AFTER).append(torch.tensor([4]))
    torch.testing.assert_close(logits[0], model.eval()(torch.tensor([[1, 2, 3, 4]]))[0, -1].detach())
    assert not logits.requires_grad


@pytest.mark.parametrize(
    ("prompts", "sentence"),
    [
        ([], "at least one token"),
        ([[1], []], "at least one token"),
        ([[1] * 60], "60 tokens and 5 new ones do not fit this model's context of 64"),
        ([[61]], "outside this model's vocabulary of 61"),
        ([[-1]], "outside this model's vocabulary"),
    ],
)
def test_impossible_prompts_are_refused(prompts: list[list[int]], sentence: str) -> None:
    model = small_decoder()
    with inference(model), pytest.raises(GptreproError, match=sentence):
        Continuation(model, prompts, 5)
