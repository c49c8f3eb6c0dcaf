"""torch.compile where it works, eager where it does not."""

from __future__ import annotations

import warnings
from collections.abc import Callable

import torch
from torch import Tensor

Loss = Callable[..., Tensor]


class CompiledLoss:
    """A loss, compiled at its first call; without a compiler it warns once and stays eager."""

    def __init__(self, loss: Loss) -> None:
        self._eager = loss
        self._chosen: Loss = torch.compile(loss)
        self._proven = False
        self.works = True
        """Whether compiling has not failed."""

    def __call__(self, *batch: Tensor) -> Tensor:
        """The loss of a batch."""
        if self._proven:
            return self._chosen(*batch)
        self._proven = True
        try:
            return self._chosen(*batch)
        except RuntimeError as error:  # an error of the loss itself comes again from the eager call
            reason = str(error).strip().splitlines()[0]
            warnings.warn(
                f"torch.compile does not work here ({reason}): training goes on uncompiled, which is slower; "
                "if it worked before, delete the folder torchinductor_* in the temporary folder.",
                stacklevel=2,
            )
            self.works, self._chosen = False, self._eager
            return self._eager(*batch)
