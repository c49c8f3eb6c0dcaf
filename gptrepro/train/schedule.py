"""Learning-rate schedules and GPT-3's batch-size ramp, as functions of training progress.

Progress is counted in updates (GPT-1: Radford et al. 2018, section 4.1) or in tokens (GPT-3: Brown et
al. 2020, appendix B); a schedule does not care which, as long as all its numbers share the unit.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

ScheduleShape = Literal["cosine", "linear", "constant"]


@dataclass(frozen=True)
class LearningRate:
    """Linear warm-up from zero, the peak for a while, a decay, then a constant floor.

    GPT-1: 2,000 updates of warm-up to 2.5e-4, cosine to zero over the whole training. GPT-1's
    fine-tuning: warm-up over 0.2% of it, then linear to zero. GPT-3: 375 million tokens of
    warm-up, cosine to 10% of the peak at 260 billion tokens, constant for the remaining 40 billion. None of
    them holds the peak: trainings that do (Hägele et al. 2024, section 3) share all that comes before
    their decay.

    Progress counts the update that is about to be made, so that the last update of a schedule without a floor
    has the rate zero and the first one does not. GPT-1's released code counts the updates before it: there
    the first has the rate zero and the last does not. Either way, one update of all leaves the weights alone.
    """

    peak: float
    warmup: float
    """Progress at which the peak is reached."""
    end: float
    """Progress at which the decay has arrived at the floor."""
    shape: ScheduleShape
    floor: float = 0.0
    """The final rate as a fraction of the peak."""
    hold: float = 0.0
    """Progress until which the peak is held, where that is after the warm-up."""

    def at(self, progress: float) -> float:
        """The rate after ``progress`` updates or tokens."""
        if progress < self.warmup:
            return self.peak * progress / self.warmup
        if self.shape == "constant":
            return self.peak
        begin = max(self.warmup, self.hold)
        done = min(1.0, max(0.0, progress - begin) / max(self.end - begin, 1e-9))
        remaining = 0.5 * (1.0 + math.cos(math.pi * done)) if self.shape == "cosine" else 1.0 - done
        return self.peak * (self.floor + (1.0 - self.floor) * remaining)


@dataclass(frozen=True)
class BatchRamp:
    """A batch that grows linearly with the tokens seen (GPT-3, appendix B).

    GPT-3 starts at 32 thousand tokens and reaches the full batch after 4 to 12 billion tokens,
    depending on the size of the model.
    """

    start: int
    """Sequences in the first batch."""
    full: int
    """Sequences in a batch once the ramp is over."""
    tokens: int
    """Training tokens over which the batch grows."""

    def at(self, tokens_seen: float) -> int:
        """Sequences in the batch that follows ``tokens_seen`` tokens."""
        grown = min(1.0, tokens_seen / self.tokens) if self.tokens else 1.0
        return int(self.start + (self.full - self.start) * grown)

    def stages(self, context: int) -> Iterator[tuple[int, int]]:
        """Pairs of sequences in a batch and updates with such a batch, until the batch is full."""
        seen = 0
        while (sequences := self.at(seen)) < self.full:
            border = self.tokens * (sequences + 1 - self.start) / (self.full - self.start)
            updates = max(1, math.ceil((border - seen) / (sequences * context)))
            seen += updates * sequences * context
            yield sequences, updates

    def tokens_of(self, updates: int, context: int) -> int:
        """Tokens that ``updates`` updates from the start process, with ``context`` tokens a sequence."""
        tokens = 0
        for sequences, stage in self.stages(context):
            taken = min(stage, updates)
            tokens += taken * sequences * context
            updates -= taken
        return tokens + updates * self.full * context

    def updates_for(self, tokens: float, context: int) -> int:
        """The fewest updates from the start that process at least ``tokens`` tokens."""
        updates = 0
        for sequences, stage in self.stages(context):
            needed = max(0, math.ceil(tokens / (sequences * context)))
            taken = min(stage, needed)
            updates += taken
            tokens -= taken * sequences * context
        return updates + max(0, math.ceil(tokens / (self.full * context)))
