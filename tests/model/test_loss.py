"""The chunked loss against the cross-entropy of whole logits."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from gptrepro.model.loss import CHUNK, chunk_on, chunked_cross_entropy
from tests.card import pretended_card


def sample(count: int, dtype: torch.dtype = torch.float64) -> tuple[Tensor, Tensor, Tensor]:
    torch.manual_seed(count)
    hidden = torch.randn(count, 16, dtype=dtype, requires_grad=True)
    weight = torch.randn(50, 16, dtype=dtype, requires_grad=True)
    targets = torch.randint(50, (count,))
    targets[::3] = -100
    return hidden, weight, targets


@pytest.mark.parametrize("count", [2, CHUNK, CHUNK + 1, 2 * CHUNK + 77])
def test_value_and_gradients_are_those_of_the_plain_cross_entropy(count: int) -> None:
    hidden, weight, targets = sample(count)
    plain = F.cross_entropy(hidden @ weight.T, targets)
    chunked = chunked_cross_entropy(hidden, weight, targets)
    torch.testing.assert_close(chunked, plain, rtol=1e-13, atol=1e-13)
    for scale in (1.0, 1024.0):  # as accumulation and loss scaling do
        expected = torch.autograd.grad(plain * scale, (hidden, weight), retain_graph=True)
        gradients = torch.autograd.grad(chunked * scale, (hidden, weight), retain_graph=True)
        torch.testing.assert_close(gradients, expected, rtol=1e-12, atol=1e-12)


def test_targets_may_weigh_differently() -> None:
    hidden, weight, targets = sample(CHUNK + 100)
    shares = torch.rand(len(targets), dtype=torch.float64)
    each = F.cross_entropy(hidden @ weight.T, targets, reduction="none")  # 0 where a target does not count
    plain = (each * shares).sum() / shares[targets != -100].sum()
    weighted = chunked_cross_entropy(hidden, weight, targets, shares)
    torch.testing.assert_close(weighted, plain, rtol=1e-12, atol=1e-12)
    gradients = torch.autograd.grad(weighted, (hidden, weight))
    torch.testing.assert_close(
        gradients, torch.autograd.grad(plain, (hidden, weight)), rtol=1e-11, atol=1e-12
    )
    torch.testing.assert_close(
        chunked_cross_entropy(hidden, weight, targets, torch.full_like(shares, 3.0)),
        chunked_cross_entropy(hidden, weight, targets),
    )


def test_without_gradients_it_computes_none() -> None:
    hidden, weight, targets = sample(100)
    with torch.no_grad():
        loss = chunked_cross_entropy(hidden, weight, targets)
    assert not loss.requires_grad
    torch.testing.assert_close(loss, F.cross_entropy(hidden @ weight.T, targets).detach())


def test_a_frozen_output_layer_is_allowed() -> None:
    hidden, weight, targets = sample(100)
    chunked_cross_entropy(hidden, weight.detach(), targets).backward()
    assert hidden.grad is not None


def test_autocast_keeps_gradients_in_the_precision_of_the_weights() -> None:
    hidden, weight, targets = sample(1000, torch.float32)
    expected = torch.autograd.grad(chunked_cross_entropy(hidden, weight, targets), (hidden, weight))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        gradients = torch.autograd.grad(chunked_cross_entropy(hidden, weight, targets), (hidden, weight))
    for gradient, exact in zip(gradients, expected, strict=True):
        assert gradient.dtype == torch.float32
        torch.testing.assert_close(gradient, exact, rtol=0.05, atol=0.02 * float(exact.abs().max()))


def test_no_target_at_all_gives_nan_as_the_plain_mean_does() -> None:
    hidden, weight, targets = sample(10)
    assert chunked_cross_entropy(hidden, weight, torch.full_like(targets, -100)).isnan()


def test_a_gpus_large_chunks_and_padded_vocabulary_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    hidden, weight, targets = (part.detach() for part in sample(1000))
    hidden.requires_grad_()
    weight.requires_grad_()
    expected = chunked_cross_entropy(hidden, weight, targets)
    gradients = torch.autograd.grad(expected, (hidden, weight))
    with pretended_card(monkeypatch):
        monkeypatch.setattr("gptrepro.model.loss.LOGITS_AT_ONCE", 50 * 400)
        assert chunk_on(torch.device("cuda"), 1000, 50) == 334
        there = [part.detach().to("cuda:0").requires_grad_(part.requires_grad) for part in (hidden, weight)]
        loss = chunked_cross_entropy(*there, targets.to("cuda:0"))
        found = torch.autograd.grad(loss, there)
        assert [part.shape for part in found] == [part.shape for part in gradients]
        for one, other in zip((loss, *found), (expected, *gradients), strict=True):
            torch.testing.assert_close(one.cpu(), other.detach(), rtol=1e-12, atol=1e-12)
