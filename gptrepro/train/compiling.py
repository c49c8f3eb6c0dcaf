"""torch.compile where it works, eager where it does not.

What repeats is compiled by itself: a block, whose code serves all layers, and the output loss. So the
compiler sees little and the first update comes soon, however deep the model is. Outside the loss, in
evaluation and generation, the model is what it was.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from gptrepro.model.decoder import Block
from gptrepro.model.loss import LOSS_AND_GRADIENTS

Loss = Callable[..., Tensor]

SHAPES = 64
"""Versions of one piece of code that may be compiled: trainings of many shapes share a process."""


class CompiledLoss:
    """A model's loss, its pieces compiled at the first call; where that fails it warns and stays eager."""

    def __init__(self, model: nn.Module, loss: Loss) -> None:
        import torch._dynamo.config as dynamo  # slow to import

        dynamo.recompile_limit = SHAPES
        pieces: list[Any] = [module for module in model.modules() if isinstance(module, Block)]
        self._compiled = [(piece, torch.compile(piece.forward)) for piece in (*pieces, LOSS_AND_GRADIENTS)]
        self._loss = loss
        self._proven = False
        self.works = True
        """Whether compiling has not failed."""

    def __call__(self, *batch: Tensor) -> Tensor:
        """The loss of a batch."""
        if not self.works:
            return self._loss(*batch)
        noise = None if self._proven else torch.random.get_rng_state()
        try:
            with self._in_place():
                loss = self._loss(*batch)
            self._proven = True
            return loss
        except RuntimeError as error:  # an error of the loss itself comes again from the eager call
            reason = str(error).strip().splitlines()[0]
            warnings.warn(
                f"torch.compile does not work here ({reason}): training goes on uncompiled, which is slower; "
                "if it worked before, delete the folder torchinductor_* in the temporary folder.",
                stacklevel=2,
            )
            self.works = False
            if noise is not None:  # a training that never ran compiled is the eager one
                torch.random.set_rng_state(noise)
            return self._loss(*batch)

    @contextmanager
    def _in_place(self) -> Iterator[None]:
        """The pieces compiled, for as long as the loss is computed."""
        for piece, forward in self._compiled:
            piece.forward = forward
        try:
            yield
        finally:
            for piece, _ in self._compiled:
                del piece.forward
