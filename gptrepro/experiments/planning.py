"""What a run would cost: laid out without running it."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import Any

from gptrepro.experiments.base import Experiment
from gptrepro.scales import Scale

BYTES_PER_PARAMETER = 16
"""Mixed-precision Adam: weights and gradients in 2 bytes each, master weights and two moments in 4 each."""

LAPTOP_FLOPS = 60e9
"""Sustained by two processor cores in fp32 on models of this size (an assumption for planning)."""
GPU_PEAK_FLOPS = 989e12
"""Dense bf16 peak of an H100, from its data sheet."""
GPU_UTILISATION = 0.37
"""Share of the peak that our 124M GPT-2 reached, compiled, on one H200, which has the same peak."""
GPU_TOKENS_A_SECOND = 430_000.0
"""What it read then. Smaller models wait for the launches of kernels and are not planned to be faster."""
GPU_SECONDS_AN_UPDATE = 22 / 300 / 10
"""Of fine-tunings of a 24M model: 300 updates took 22 seconds there, ten trainings side by side."""
GPU_MEMORY_BYTES = 80e9
DOLLARS_AN_HOUR = 3.0
"""Of renting one such GPU (an assumption for planning)."""


@dataclass(frozen=True)
class Plan:
    """The cost of all report seeds of one experiment at one scale."""

    experiment: str
    scale: str
    seeds: int
    parameters: int
    tokens: float
    flops: float
    memory_bytes: float
    """Weights, gradients and optimiser state of one model; activations come on top."""
    gpus: int
    """The fewest 80 GB GPUs that hold that state, with 40% of each left for activations; 0 for processors."""
    seconds: float
    assumptions: str = (
        f"Time assumes {LAPTOP_FLOPS / 1e9:.0f} GFLOP/s on a laptop. Elsewhere it is the longest of three, "
        f"each as measured once on one H200: {GPU_UTILISATION:.0%} of the bf16 peak, "
        f"{GPU_TOKENS_A_SECOND:,.0f} tokens per second, {GPU_SECONDS_AN_UPDATE * 1000:.1f} ms per update. "
        f"A GPU costs {DOLLARS_AN_HOUR:.0f} dollars an hour; memory counts {BYTES_PER_PARAMETER} bytes per "
        "parameter."
    )

    @property
    def time(self) -> str:
        """The time in a readable unit, with the GPUs it is for."""
        hours = self.seconds / 3600
        amount = f"{self.seconds / 60:.0f} min" if hours < 2 else f"{hours:.0f} h"
        if hours > 72:
            amount = f"{hours / 24:,.0f} days"
        return amount if not self.gpus else f"{amount} on {self.gpus} GPU{'s' if self.gpus > 1 else ''}"

    @property
    def dollars(self) -> float:
        """The rent of the GPUs."""
        return self.gpus * self.seconds / 3600 * DOLLARS_AN_HOUR

    def as_row(self) -> dict[str, Any]:
        """One flat, JSON-able row."""
        return dataclasses.asdict(self) | {"dollars": round(self.dollars, 2)}


def plan_of(experiment: Experiment[Any], scale: Scale) -> Plan:
    """Lay out the report seeds of an experiment at a scale.

    Raises:
        GptreproError: the experiment does not run at that scale.
    """
    budget = experiment.budget(experiment.config(scale))
    seeds = len(experiment.seeds[scale])
    memory = BYTES_PER_PARAMETER * budget.parameters
    flops = seeds * budget.flops
    gpus = 0 if scale in (Scale.SMOKE, Scale.LAPTOP) else math.ceil(memory / (0.6 * GPU_MEMORY_BYTES))
    seconds = flops / LAPTOP_FLOPS
    if gpus:
        seconds = seeds * max(
            budget.flops / (gpus * GPU_PEAK_FLOPS * GPU_UTILISATION),
            budget.tokens / (gpus * GPU_TOKENS_A_SECOND),
            budget.updates * GPU_SECONDS_AN_UPDATE,
        )
    return Plan(
        experiment=experiment.name,
        scale=str(scale),
        seeds=seeds,
        parameters=budget.parameters,
        tokens=seeds * budget.tokens,
        flops=flops,
        memory_bytes=memory,
        gpus=gpus,
        seconds=seconds,
    )
