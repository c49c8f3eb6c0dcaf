"""What the settings of a training leave to the machine, and what was decided: once, and then kept."""

from __future__ import annotations

from dataclasses import dataclass

from gptrepro.train.precision import PrecisionName


@dataclass(frozen=True)
class Resolved:
    """Where and how a training is computed."""

    device: str
    """``cpu`` or ``cuda``."""
    precision: PrecisionName
    compiled: bool
    """Whether the loss runs compiled; False, too, where compiling it failed."""
    processes: int
    """Ranks that train together."""

    def __str__(self) -> str:
        parts = [self.device, self.precision]
        if self.compiled:
            parts.append("compiled")
        if self.processes > 1:
            parts.append(f"{self.processes} processes")
        return ", ".join(parts)
