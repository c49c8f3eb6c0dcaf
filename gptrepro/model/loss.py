"""The language-model loss, without ever holding the logits of all positions at once.

At GPT-2's vocabulary the logits of one 1,024-token window take 206 MB, and a plain cross-entropy holds them
three times. But the gradient of a position's loss by its logits is known as soon as they are: softmax minus
one-hot. So each chunk of positions goes all the way to its gradients in the forward pass, and its logits are
forgotten. That takes the same products, and on a CPU less time where a chunk stays in cache. A GPU is slower
on small products: there a chunk is as large as memory allows, mostly all positions at once, and the
vocabulary is padded inside to a multiple of 128, which changes neither the loss nor any shape outside.

The chunked path of ``torch.nn.functional.linear_cross_entropy`` in torch 2.13 does not serve: on a CPU it is
slower than not chunking, by 10% for 8,192 tokens at width 256 and several times over at GPT-2's shape; and no
compiler sees into it.
"""

from __future__ import annotations

import math
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd.function import once_differentiable

IGNORED_TARGET = -100
"""The target that counts for nothing in a loss; torch's own number for it."""

CHUNK = 512
"""Positions per chunk on a CPU."""

LOGITS_AT_ONCE = 2**30
"""Numbers that the logits of a chunk may have on a GPU: 21,000 positions of GPT-2's vocabulary."""

ALIGNED = 128
"""On a GPU the products run over a vocabulary of a multiple of this: others are much slower."""


def chunk_on(device: torch.device, n_positions: int, n_vocab: int) -> int:
    """Positions per chunk on a device; on a GPU, chunks of one size, so that one is compiled for all."""
    if device.type != "cuda":
        return CHUNK
    chunks = math.ceil(n_positions * n_vocab / LOGITS_AT_ONCE)
    return max(1, math.ceil(n_positions / max(1, chunks)))


def chunked_cross_entropy(
    hidden: Tensor, weight: Tensor, targets: Tensor, shares: Tensor | None = None
) -> Tensor:
    """Mean negative log-likelihood in nats of ``hidden @ weight.T``, over the targets that are not ignored.

    Args:
        hidden: (N, d_model) states.
        weight: (n_vocab, d_model) output layer.
        targets: (N,) int64.
        shares: (N,) what each target weighs in the mean; all alike when None.

    Returns:
        A scalar, differentiable once; nan if no target counts.
    """
    with_gradients = torch.is_grad_enabled()
    counted = targets != IGNORED_TARGET  # (N,)
    if shares is not None:
        counted = counted * shares
    loss: Tensor = _ChunkedCrossEntropy.apply(hidden, weight, targets, counted, with_gradients)  # type: ignore[no-untyped-call]
    return loss


class LossAndGradients:
    """The sum of weighted losses and its gradients, chunk by chunk: what a training may compile by itself."""

    def forward(
        self, hidden: Tensor, weight: Tensor, targets: Tensor, counted: Tensor, n_vocab: int, gradients: bool
    ) -> tuple[Tensor, Tensor | None, Tensor | None]:
        """The sum, and its gradients by ``hidden`` and ``weight`` where they are wanted.

        Args:
            hidden: (N, d_model) states.
            weight: (n_vocab or more, d_model); rows from ``n_vocab`` on are filler that nothing can choose.
            targets, counted: (N,) the right tokens and their weights.
        """
        precise = torch.promote_types(hidden.dtype, torch.float32)
        total = torch.zeros((), dtype=precise, device=hidden.device)
        to_hidden, to_weight = None, None
        if gradients:
            to_hidden = torch.empty_like(hidden)
            to_weight = torch.zeros_like(weight, dtype=precise)
        size = chunk_on(hidden.device, len(hidden), n_vocab)
        for start in range(0, len(hidden), size):
            rows = slice(start, start + size)
            product = torch.mm(hidden[rows], weight.t())  # (C, n_vocab or more)
            if len(weight) > n_vocab:
                product[:, n_vocab:] = -torch.inf
            logits = product.to(precise)
            target = targets[rows, None].clamp(min=0)  # (C, 1)
            normaliser = logits.logsumexp(-1, keepdim=True)  # (C, 1)
            total += ((normaliser - logits.gather(1, target)) * counted[rows, None]).sum()
            if to_hidden is not None and to_weight is not None:
                gradient = logits.sub_(normaliser).exp_()  # softmax, in the place of the logits
                if torch.compiler.is_compiling():  # in the same pass, which scattering would break in two
                    right = torch.arange(len(weight), device=hidden.device) == target
                    gradient = torch.where(right, gradient - 1.0, gradient)
                else:
                    gradient.scatter_add_(1, target, gradient.new_full(target.shape, -1.0))
                gradient = gradient.mul_(counted[rows, None]).to(product.dtype)
                to_hidden[rows] = torch.mm(gradient, weight)
                to_weight += torch.mm(gradient.t(), hidden[rows])
        return total, to_hidden, to_weight


LOSS_AND_GRADIENTS = LossAndGradients()
"""The one that every loss is made of."""


class _ChunkedCrossEntropy(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, hidden: Tensor, weight: Tensor, targets: Tensor, counted: Tensor, with_gradients: bool
    ) -> Tensor:
        place, n_vocab = hidden.device.type, len(weight)
        # Cast once, where autocast would cast each chunk anew.
        autocast = torch.is_autocast_enabled(place) and weight.dtype == torch.float32
        short = torch.get_autocast_dtype(place) if autocast else weight.dtype
        matrix = weight.to(short)
        if place == "cuda":
            matrix = F.pad(matrix, (0, 0, 0, -n_vocab % ALIGNED))
        total, to_hidden, to_weight = LOSS_AND_GRADIENTS.forward(
            hidden.to(short), matrix, targets, counted, n_vocab, with_gradients
        )
        count = counted.sum()
        if to_hidden is not None and to_weight is not None:
            # The division by the count waits for `backward`: in fp16, small probabilities would underflow.
            ctx.formats = hidden.dtype, weight.dtype
            ctx.save_for_backward(to_hidden, to_weight[:n_vocab], count)
        return total / count

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, upstream: Tensor) -> tuple[Tensor, Tensor, None, None, None]:
        to_hidden, to_weight, count = ctx.saved_tensors
        scale = upstream / count
        states, matrix = ctx.formats
        return to_hidden.to(states) * scale, to_weight.to(matrix) * scale, None, None, None
