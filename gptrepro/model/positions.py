"""Where a token stands: one vector a position, added to the token's embedding.

Attention itself is blind to order, so order has to be put in. GPT-1, 2 and 3 learn a row for each position;
Vaswani et al. (2017, section 3.5) compute the rows; a causal decoder can also go without.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gptrepro.model.config import DecoderConfig


def sinusoids(length: int, width: int) -> Tensor:
    """The sinusoidal encoding of positions ``0 .. length - 1``.

    Dimensions ``2i`` and ``2i + 1`` are the sine and the cosine of ``position / 10000 ** (2i / width)``: each
    pair is the hand of a clock, the first turns once in 2 pi positions and the last hardly moves. Going ``k``
    positions on turns every hand by an angle that depends on ``k`` alone, so that row ``position + k`` is one
    rotation of row ``position``, the same for all positions.

    Args:
        length: positions.
        width: dimensions; an even number.

    Returns:
        (length, width) float32, entries in [-1, 1]. Source: Vaswani et al. 2017, section 3.5.
    """
    # On the processor even where a decoder is built on the meta device: no checkpoint brings these numbers.
    position = torch.arange(length, dtype=torch.float64, device="cpu")[:, None]  # (length, 1)
    even = torch.arange(0, width, 2, dtype=torch.float64, device="cpu")  # (width / 2,)
    angle = position / 10_000 ** (even / width)  # (length, width / 2)
    # (length, width / 2, 2) -> (length, width): sines in the even places, cosines in the odd ones
    return torch.stack((angle.sin(), angle.cos()), dim=-1).flatten(1).float()


def shift(steps: int, width: int) -> Tensor:
    """The linear map from row ``p`` of the sinusoids to row ``p + steps``, one for all ``p``.

    Returns:
        (width, width) float32, block-diagonal: ``sinusoids(n, width) @ shift(k, width).T`` are the rows from
        ``k`` on. Source: Vaswani et al. 2017, section 3.5, by the sine and cosine of a sum of angles.
    """
    sine, cosine = sinusoids(steps + 1, width)[steps].view(-1, 2).T  # (width / 2,) each
    # (width / 2,) -> (width, width): the cosines on the diagonal, the sines beside it
    on_odd, on_even = torch.zeros(2, width - 1)
    on_odd[::2], on_even[::2] = sine, -sine
    diagonal = torch.diag(cosine.repeat_interleave(2))
    return diagonal + torch.diag(on_odd, 1) + torch.diag(on_even, -1)


class FixedPositions(nn.Module):
    """Rows that no training changes, in the place of a learned table; they are in no checkpoint."""

    weight: Tensor

    def __init__(self, rows: Tensor) -> None:
        super().__init__()
        self.register_buffer("weight", rows, persistent=False)

    def forward(self, positions: Tensor) -> Tensor:
        """(T,) int64 -> (T, d_model)."""
        return F.embedding(positions, self.weight)


def position_table(config: DecoderConfig) -> nn.Embedding | FixedPositions:
    """The rows that ``config.positions`` names, (n_ctx, d_model).

    Sinusoids, whose spread is ``1 / sqrt(2)``, are scaled to the ``init_std`` of a fresh embedding: at full
    size they would drown the tokens. Vaswani et al. get there from the other side and multiply the token
    embeddings by ``sqrt(d_model)`` (section 3.4).
    """
    if config.positions == "learned":
        return nn.Embedding(config.n_ctx, config.d_model)
    if config.positions == "none":
        return FixedPositions(torch.zeros(config.n_ctx, config.d_model, device="cpu"))
    return FixedPositions(math.sqrt(2) * config.init_std * sinusoids(config.n_ctx, config.d_model))
