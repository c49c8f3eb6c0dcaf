"""The matrix product that everything else is made of."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class Projection(nn.Module):
    """``y = x W + b``, with W stored as the papers write it: (in, out), rows by input.

    The released checkpoints store it so too; ``nn.Linear`` stores the transpose. Generation multiplies one
    vector by each matrix, and this order lets it read memory from front to back.
    """

    def __init__(self, n_in: int, n_out: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(n_in, n_out))
        self.bias = nn.Parameter(torch.empty(n_out))

    def forward(self, x: Tensor) -> Tensor:
        """(..., in) -> (..., out)."""
        return F.linear(x, self.weight.t(), self.bias)
