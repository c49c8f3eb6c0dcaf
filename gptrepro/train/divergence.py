"""The losses since the last logged row, and the refusal to go on when they are no longer numbers."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from gptrepro.errors import GptreproError
from gptrepro.parallel import World
from gptrepro.train.state import TrainingState


class Diverged(GptreproError):  # noqa: N818 - a state of the training, as in the field's speech
    """The loss or its gradient is no longer a finite number."""


class LossWatch:
    """Collects losses without looking at them at every update, since looking makes a GPU wait.

    The running sum lives in the training's progress, so a checkpoint between two rows keeps it.
    """

    def __init__(self, state: TrainingState, world: World) -> None:
        self._state = state
        self._world = world
        self._unseen: list[Tensor] = []
        self._gradient_norm: Tensor | None = None
        self.last_mean = math.nan
        """What ``mean`` gave last."""

    def add(self, loss: Tensor, gradient_norm: Tensor) -> None:
        """Take this rank's part of the loss of an update, and the norm of its gradient before clipping."""
        self._unseen.append(loss)
        self._gradient_norm = gradient_norm

    def settle(self) -> None:
        """Look at the losses, on all ranks; call it before anything that is meant to last is written.

        Raises:
            Diverged: a loss is not finite, or the last gradient is not (fp16 skips such an update).
        """
        values: list[float] = []
        if self._unseen:
            losses = torch.stack(self._unseen)
            self._world.add_up(losses)
            values = losses.tolist()
        self._unseen.clear()
        suspects = list(values)
        if self._gradient_norm is not None and not self._state.scaler.is_enabled():
            suspects.append(float(self._gradient_norm))
        for value in suspects:
            if not math.isfinite(value):
                raise Diverged(
                    f"The training diverged by step {self._state.progress.step:,}: its loss or gradient is "
                    f"{value}; use a lower peak_lr than {self._state.settings.peak_lr:g}, a longer warm-up "
                    "or precision fp32."
                )
        for value in values:
            self._state.progress.loss_sum += value
        self._state.progress.loss_count += len(values)

    def mean(self) -> float:
        """The mean loss since this was called last, in nats per token.

        Raises:
            Diverged: as ``settle`` does.
        """
        self.settle()
        progress = self._state.progress
        self.last_mean = progress.loss_sum / progress.loss_count
        progress.loss_sum, progress.loss_count = 0.0, 0
        return self.last_mean
