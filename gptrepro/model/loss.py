"""The language-model loss, without ever holding the logits of all positions at once.

At GPT-2's vocabulary the logits of one 1,024-token window take 206 MB, and a plain cross-entropy holds them
three times. But the gradient of a position's loss by its logits is known as soon as they are: softmax minus
one-hot. So each chunk of positions goes all the way to its gradients in the forward pass, and its logits are
forgotten. That takes the same products, and on a CPU less time where a chunk stays in cache.

The chunked path of ``torch.nn.functional.linear_cross_entropy`` in torch 2.13 does not serve: on a CPU it is
slower than not chunking, by 10% for 8,192 tokens at width 256 and several times over at GPT-2's shape.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

IGNORED_TARGET = -100
"""The target that counts for nothing in a loss; torch's own number for it."""

CHUNK = 512
"""Positions per chunk."""


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


class _ChunkedCrossEntropy(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, hidden: Tensor, weight: Tensor, targets: Tensor, counted: Tensor, with_gradients: bool
    ) -> Tensor:
        precise = torch.promote_types(hidden.dtype, torch.float32)
        total = torch.zeros((), dtype=precise, device=hidden.device)
        if with_gradients:
            to_hidden, to_weight = torch.empty_like(hidden), torch.zeros_like(weight)
        for start in range(0, len(hidden), CHUNK):
            rows = slice(start, start + CHUNK)
            product = torch.mm(hidden[rows], weight.t())  # (C, n_vocab), in low precision under autocast
            logits = product.to(precise)
            target = targets[rows, None].clamp(min=0)  # (C, 1)
            normaliser = logits.logsumexp(-1, keepdim=True)  # (C, 1)
            total += ((normaliser - logits.gather(1, target)) * counted[rows, None]).sum()
            if with_gradients:
                gradient = logits.sub_(normaliser).exp_()  # softmax, in the place of the logits
                gradient.scatter_add_(1, target, gradient.new_full(target.shape, -1.0))
                gradient = gradient.mul_(counted[rows, None]).to(product.dtype)
                to_hidden[rows] = torch.mm(gradient, weight)
                to_weight += torch.mm(gradient.t(), hidden[rows])
        count = counted.sum()
        if with_gradients:
            # The division by the count waits for `backward`: in fp16, small probabilities would underflow.
            ctx.save_for_backward(to_hidden, to_weight, count)
        return total / count

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, upstream: Tensor) -> tuple[Tensor, Tensor, None, None, None]:
        to_hidden, to_weight, count = ctx.saved_tensors
        scale = upstream / count
        return to_hidden * scale, to_weight * scale, None, None, None
