"""What the decoder and the LSTM have in common: a state at each position, and an output layer."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol

import torch
from torch import Tensor, nn


class LanguageModel(Protocol):
    """A module that predicts the next token at every position."""

    training: bool

    def hidden(self, ids: Tensor) -> Tensor:
        """The states that predict the next tokens: (B, T) int64 -> (B, T, d_model)."""
        ...

    def logits(self, hidden: Tensor) -> Tensor:
        """The output layer: (..., d_model) -> (..., n_vocab)."""
        ...

    def parameters(self) -> Iterator[nn.Parameter]:
        """All weights, which lie on one device."""
        ...

    def train(self, mode: bool = True) -> Any:
        """Turn dropout on or off."""
        ...


def device_of(model: LanguageModel) -> torch.device:
    """Where a model's weights lie."""
    return next(model.parameters()).device


def tokens_together(device: torch.device) -> int:
    """Tokens that are scored together on a device; it changes speed and nothing else."""
    return 65_536 if device.type == "cuda" else 4096


def texts_together(device: torch.device) -> int:
    """Short texts that are read together on a device; it changes speed and nothing else."""
    return 512 if device.type == "cuda" else 64


@contextmanager
def inference(model: LanguageModel) -> Iterator[None]:
    """Without dropout, gradients or autocast; the model's mode returns afterwards."""
    training = model.training
    model.train(False)
    try:
        with torch.inference_mode(), torch.autocast(device_of(model).type, enabled=False):
            yield
    finally:
        model.train(training)
