"""Number formats for training: fp32, bf16 autocast, fp16 with loss scaling."""

from __future__ import annotations

import functools
import statistics
import timeit
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Literal

import torch

from gptrepro.errors import GptreproError
from gptrepro.train.settings import PrecisionChoice

PrecisionName = Literal["fp32", "bf16", "fp16"]

AUTOCAST_TYPES = {"bf16": torch.bfloat16, "fp16": torch.float16}


@dataclass(frozen=True)
class Precision:
    """A number format on a device; weights and optimiser state are fp32 in all of them."""

    name: PrecisionName
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
    """``auto`` is CUDA where torch has it, else the CPU; ``mps`` is a Mac's own GPU, for who asks for it.

    Raises:
        GptreproError: the name is unknown, or what is asked for is not there.
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if name.split(":")[0] not in ("cpu", "cuda", "mps"):
        raise GptreproError(f"The device {name!r} is unknown: choose auto, cpu, cuda or mps.")
    if name.startswith("mps") and not torch.backends.mps.is_available():
        raise GptreproError("This torch sees no Apple GPU: choose device cpu or auto.")
    if name.startswith("cuda") and not torch.cuda.is_available():
        raise GptreproError("This torch sees no CUDA device: choose device cpu or auto.")
    return torch.device(name)


def choose_precision(
    choice: PrecisionChoice, device: torch.device, begun_in: PrecisionName | None = None
) -> Precision:
    """Resolve ``auto``: what the training began in, else bf16 where the device multiplies faster in it.

    Args:
        choice: of the settings.
        device: where the training runs.
        begun_in: the number format of the checkpoint that the training goes on from.

    Raises:
        GptreproError: the training began in bf16 and the device has none.
    """
    if choice != "auto":
        name: PrecisionName = choice
    elif begun_in is not None:
        if begun_in == "bf16" and not _has_bf16(device):
            raise GptreproError(
                "The training began in bf16, which this device does not have: choose precision fp32 to go on "
                "in that, or bf16 to have it emulated, slowly."
            )
        name = begun_in
    else:
        name = "bf16" if _multiplies_faster_in_bf16(device) else "fp32"
    return Precision(name, device)


def _has_bf16(device: torch.device) -> bool:
    """Whether the device has instructions for bf16; without them it is emulated, many times slower."""
    if device.type == "mps":  # its products in bf16 are no faster
        return False
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    capabilities = torch.cpu.get_capabilities()
    return any(capabilities.get(name, False) for name in ("avx512_bf16", "amx_bf16"))


def _multiplies_faster_in_bf16(device: torch.device) -> bool:
    """A GPU and a processor with AMX are asked; one with AVX512-bf16 alone may be slower, and is measured."""
    if device.type == "cuda" or not _has_bf16(device):
        return _has_bf16(device)
    return bool(torch.cpu.get_capabilities().get("amx_bf16", False)) or cpu_bf16_speed() >= WORTHWHILE


WORTHWHILE = 1.3
"""Times as fast as in fp32 must matrix products be to pay for the conversions of a training in bf16."""

TRIALS = 9


@functools.cache
def cpu_bf16_speed() -> float:
    """How many times as fast as in fp32 this CPU multiplies matrices in bf16; measured once a process.

    The two formats take turns and the median of their ratios counts, so that other work on the machine,
    which comes and goes, weighs on both.
    """
    single = torch.ones(2, 256, 256)
    short = single.to(torch.bfloat16)
    ratios = []
    for _ in range(TRIALS):
        seconds = [timeit.timeit(functools.partial(torch.mm, a, b), number=4) for a, b in (single, short)]
        ratios.append(seconds[0] / seconds[1])
    return statistics.median(ratios)
