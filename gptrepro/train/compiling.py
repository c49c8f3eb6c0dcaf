"""torch.compile where it works, eager where it does not."""

from __future__ import annotations

import warnings
from collections.abc import Callable

import torch
from torch import Tensor

Loss = Callable[..., Tensor]


def compiled(loss: Loss) -> Loss:
    """``loss``, compiled at its first call; without a compiler it warns once and stays eager."""
    chosen = torch.compile(loss)
    proven = False

    def call(*batch: Tensor) -> Tensor:
        nonlocal chosen, proven
        if proven:
            return chosen(*batch)
        proven = True
        try:
            return chosen(*batch)
        except RuntimeError as error:  # an error of the loss itself comes again from the eager call
            reason = str(error).strip().splitlines()[0]
            warnings.warn(
                f"torch.compile does not work here ({reason}): training goes on uncompiled, which is slower; "
                "if it worked before, delete the folder torchinductor_* in the temporary folder.",
                stacklevel=2,
            )
            chosen = loss
            return loss(*batch)

    return call
