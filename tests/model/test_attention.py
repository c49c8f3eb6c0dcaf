"""Banded attention against an oracle that masks a full T x T matrix."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from gptrepro.model.attention import banded_attention, dense_attention


def oracle(q: Tensor, k: Tensor, v: Tensor, window: int | None = None) -> Tensor:
    """Softmax attention written out, with everything outside the window masked."""
    position = torch.arange(q.shape[2])
    distance = position[:, None] - position  # (T, T)
    visible = (distance >= 0) & (distance < (window or q.shape[2]))
    scores = q @ k.transpose(2, 3) / q.shape[3] ** 0.5
    return scores.masked_fill(~visible, -torch.inf).softmax(-1) @ v


def random_qkv(length: int, seed: int = 0, batch: int = 2, heads: int = 3, width: int = 8) -> list[Tensor]:
    generator = torch.Generator().manual_seed(seed)
    shape = (batch, heads, length, width)
    return [torch.randn(shape, generator=generator, dtype=torch.float64).requires_grad_() for _ in range(3)]


def assert_same_values_and_gradients(ours: Tensor, theirs: Tensor, inputs: list[Tensor]) -> None:
    torch.testing.assert_close(ours, theirs, rtol=1e-11, atol=1e-11)
    weight = torch.randn(ours.shape, generator=torch.Generator().manual_seed(1), dtype=ours.dtype)
    gradients = [
        torch.autograd.grad((out * weight).sum(), inputs, retain_graph=True) for out in (ours, theirs)
    ]
    torch.testing.assert_close(*gradients, rtol=1e-10, atol=1e-10)


def test_dense_attention_is_causal_softmax_attention() -> None:
    inputs = random_qkv(37)
    assert_same_values_and_gradients(dense_attention(*inputs), oracle(*inputs), inputs)


@pytest.mark.parametrize("length", [7, 128, 300])
def test_in_bf16_it_is_off_by_the_rounding_of_that_format(length: int) -> None:
    exact = random_qkv(length)
    short = [one.detach().bfloat16().requires_grad_() for one in exact]
    right, ours = oracle(*exact), dense_attention(*short)
    right.sum().backward()
    ours.sum().backward()
    for found, expected in ((ours, right), *((x.grad, y.grad) for x, y in zip(short, exact, strict=True))):
        assert found is not None and expected is not None
        torch.testing.assert_close(found.double(), expected, rtol=0.05, atol=0.05)


@settings(max_examples=40, deadline=None)
@given(length=st.integers(1, 150), window=st.integers(1, 170), seed=st.integers(0, 9))
def test_banded_attention_equals_the_masked_oracle(length: int, window: int, seed: int) -> None:
    inputs = random_qkv(length, seed, batch=1 + seed % 2, heads=1 + seed % 3)
    assert_same_values_and_gradients(banded_attention(*inputs, window), oracle(*inputs, window), inputs)


@pytest.mark.parametrize("window", [50, 51, 1000])
def test_a_window_that_covers_the_context_is_dense_attention(window: int) -> None:
    inputs = random_qkv(50)
    torch.testing.assert_close(banded_attention(*inputs, window), dense_attention(*inputs), rtol=0, atol=0)


@settings(max_examples=20, deadline=None)
@given(length=st.integers(1, 150), padding=st.integers(1, 90), window=st.integers(1, 80))
def test_padding_after_a_row_changes_nothing_in_it(length: int, padding: int, window: int) -> None:
    inputs = random_qkv(length + padding)
    padded = banded_attention(*inputs, window)[:, :, :length]
    alone = banded_attention(*(x[:, :, :length] for x in inputs), window)
    torch.testing.assert_close(padded, alone, rtol=1e-11, atol=1e-11)


def test_dropout_removes_attention_weights_and_rescales_the_rest() -> None:
    torch.manual_seed(0)
    q = torch.zeros(1, 1, 512, 4)  # equal scores: every visible key weighs the same
    v = torch.ones(1, 1, 512, 4)
    dropped = banded_attention(q, q, v, window=64, dropout=0.25)
    assert 0.97 < float(dropped.mean()) < 1.03
    assert float(dropped.std()) > 0.01


class LargestTensor(TorchDispatchMode):
    """The most elements that any tensor made within has."""

    def __init__(self) -> None:
        super().__init__()
        self.elements = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):  # type: ignore[no-untyped-def]
        result = func(*args, **(kwargs or {}))
        for tensor in result if isinstance(result, tuple | list) else [result]:
            if isinstance(tensor, Tensor):
                self.elements = max(self.elements, tensor.untyped_storage().nbytes() // tensor.element_size())
        return result


def test_banded_attention_makes_nothing_that_grows_with_the_square_of_the_length() -> None:
    largest = []
    for length in (1024, 4096):
        q, k, v = (torch.randn(1, 1, length, 8, requires_grad=True) for _ in range(3))
        with LargestTensor() as watch:
            banded_attention(q, k, v, window=32).sum().backward()
        largest.append(watch.elements)
    assert largest[1] <= 4.1 * largest[0]
    assert largest[1] < 4096 * 4096 / 16
