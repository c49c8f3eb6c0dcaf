"""How the weights start."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from gptrepro.model.config import DecoderConfig
from gptrepro.model.projection import Projection


def initialise(decoder: nn.Module, config: DecoderConfig) -> None:
    """Draw the weights of ``decoder`` in place from torch's global generator.

    - Every matrix and both embeddings: Gaussian with standard deviation ``init_std`` (GPT-1, section 4.1:
      N(0, 0.02) suffices because layer norm is used throughout), but for positions where ``position_std`` is
      stated: GPT-2's released code starts them at 0.01, of which its paper says nothing.
    - ``residual_init="scaled"``: the two projections of a block into the residual stream (``c_proj``) start
      ``1 / sqrt(2 * n_layers)`` times smaller, so that the sum over all residual additions does not grow with
      depth (GPT-2, section 2.3; its N is undefined, we count additions).
    - Biases start at 0, layer-norm gains at 1.
    """
    residual_std = config.init_std
    if config.residual_init == "scaled":
        residual_std /= math.sqrt(2 * config.n_layers)
    for name, module in decoder.named_modules():
        if isinstance(module, Projection):
            std = residual_std if name.endswith("c_proj") else config.init_std
            nn.init.normal_(module.weight, std=std)
            nn.init.zeros_(module.bias)
        elif isinstance(module, nn.Embedding):
            spread = config.position_std if name == "wpe" else None
            nn.init.normal_(module.weight, std=config.init_std if spread is None else spread)


class _DrawNothing(TorchFunctionMode):
    """Leaves a tensor as it is where it would be filled at random."""

    def __torch_function__(
        self, function: Callable[..., Any], types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        kwargs = kwargs or {}
        if function in (nn.init.normal_, nn.init.uniform_):
            tensor: Tensor = kwargs["tensor"]
            return tensor
        return function(*args, **kwargs)


@contextlib.contextmanager
def without_storage() -> Iterator[None]:
    """Modules that are made within have names and shapes, and no numbers.

    They lie on the meta device, where drawing would give nothing either: it would only take seconds, for
    torch then loads its compiler.
    """
    with torch.device("meta"), _DrawNothing():
        yield
