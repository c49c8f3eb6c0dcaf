"""How far signals travel in a decoder: forwards through its states, backwards as gradients, across positions.

These are measurements of architecture, taken on untrained models as well as on trained ones; the pages on the
three models plot them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gptrepro.model import Decoder
from gptrepro.model.decoder import Block


def state_sizes(decoder: Decoder, ids: Tensor) -> list[float]:
    """Root mean square of the states before the first block and after each block.

    Args:
        decoder: a model of L blocks.
        ids: (B, T) token ids.

    Returns:
        L + 1 sizes.
    """
    sizes: list[float] = []

    def note(states: Tensor) -> None:
        sizes.append(float(states.pow(2).mean().sqrt()))

    hooks = [decoder.h[0].register_forward_pre_hook(lambda _, inputs: note(inputs[0]))]
    hooks += [block.register_forward_hook(lambda _, __, output: note(output)) for block in decoder.h]
    try:
        with torch.no_grad():
            decoder.hidden(ids)
    finally:
        for hook in hooks:
            hook.remove()
    return sizes


def gradient_sizes(decoder: Decoder, ids: Tensor) -> list[float]:
    """Norm of the loss gradient at the first feed-forward matrix of each block.

    Args:
        decoder: a model of L blocks; it keeps no gradients.
        ids: (B, T + 1) token ids; each position predicts the next.

    Returns:
        L norms.
    """
    weights = [cast(Block, block).mlp.c_fc.weight for block in decoder.h]
    gradients = torch.autograd.grad(decoder.loss(ids[:, :-1], ids[:, 1:]), weights)
    return [float(gradient.norm()) for gradient in gradients]


def attention_reach(
    attention: Callable[[Tensor, Tensor, Tensor], Tensor], length: int, *, d_head: int = 8
) -> NDArray[np.bool_]:
    """Which values move which outputs, found by moving one at a time.

    Args:
        attention: takes q, k and v of shape (B, H, T, d_head) and returns outputs of that shape.
        length: T.
        d_head: features of one head.

    Returns:
        (T, T), True where a change of the value at the column's position moves the output at the row's.
    """
    q, k, v = torch.randn(3, 1, 1, length, d_head)
    before = attention(q, k, v)
    reach = np.zeros((length, length), dtype=bool)
    for position in range(length):
        changed = v.clone()
        changed[..., position, :] += 1
        reach[:, position] = ((attention(q, k, changed) - before).abs().amax(-1) > 0)[0, 0]
    return reach
