"""Number formats for training: fp32, bf16 autocast, fp16 with loss scaling."""

from __future__ import annotations

import functools
import timeit
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Literal

import torch

from gptrepro.errors import GptreproError
from gptrepro.train.settings import PrecisionChoice

AUTOCAST_TYPES = {"bf16": torch.bfloat16, "fp16": torch.float16}


@dataclass(frozen=True)
class Precision:
    """A number format on a device; weights and optimiser state are fp32 in all of them."""

    name: Literal["fp32", "bf16", "fp16"]
    device: torch.device

    def autocast(self) -> AbstractContextManager[object]:
        """The context for the forward pass: matrix products in the short format, sums in fp32."""
        if self.name == "fp32":
            return nullcontext()
        return torch.autocast(self.device.type, dtype=AUTOCAST_TYPES[self.name])

    def scaler(self) -> torch.amp.GradScaler:
        """Loss scaling for fp16, whose gradients would underflow; passes through for the others."""
        return torch.amp.GradScaler(self.device.type, enabled=self.name == "fp16")


def choose_device(name: str = "auto") -> torch.device:
    """``auto`` is CUDA where torch has it, else the CPU.

    Raises:
        GptreproError: the name is unknown, or CUDA is asked for where there is none.
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if name.split(":")[0] not in ("cpu", "cuda"):
        raise GptreproError(f"The device {name!r} is unknown: choose auto, cpu or cuda.")
    if name.startswith("cuda") and not torch.cuda.is_available():
        raise GptreproError("This torch sees no CUDA device: choose device cpu or auto.")
    return torch.device(name)


def choose_precision(choice: PrecisionChoice, device: torch.device) -> Precision:
    """Resolve ``auto``: bf16 where the device multiplies matrices faster in it, else fp32.

    A GPU is asked, a CPU is measured: without AVX512-bf16 or AMX it emulates bf16, and with the former alone
    it can still be slower than in fp32.
    """
    if choice != "auto":
        return Precision(choice, device)
    if device.type == "cuda":
        fast = torch.cuda.is_bf16_supported(including_emulation=False)
    else:
        capabilities = torch.cpu.get_capabilities()
        claims_it = any(capabilities.get(name, False) for name in ("avx512_bf16", "amx_bf16"))
        fast = claims_it and cpu_bf16_speed() >= WORTHWHILE
    return Precision("bf16" if fast else "fp32", device)


WORTHWHILE = 1.3
"""Times as fast as in fp32 must matrix products be to pay for the conversions of a training in bf16."""


@functools.cache
def cpu_bf16_speed() -> float:
    """How many times as fast as in fp32 this CPU multiplies matrices in bf16; measured once, in 0.1 s."""
    times = {}
    for dtype in (torch.float32, torch.bfloat16):
        a, b = torch.ones(2, 512, 512).to(dtype)
        times[dtype] = min(timeit.repeat(functools.partial(torch.mm, a, b), number=4, repeat=5))
    return times[torch.float32] / times[torch.bfloat16]
