"""Verdicts: what a rule concludes about a claim."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Literal


class Verdict(StrEnum):
    """What the evidence says of a claim."""

    CONSISTENT = "consistent"
    """True by construction of the thing that was built, or by the paper's own arithmetic; counted apart,
    never in the headline."""
    REPLICATED = "replicated"
    TREND = "trend replicated"
    """The direction and the stated minimum hold, at a smaller scale than the paper's."""
    MECHANISM = "mechanism shown"
    """A constructed analogue shows how it can work, not that the paper's model does it."""
    NOT_REPLICATED = "not replicated"
    """An experiment, the thing that was built, or the paper's own arithmetic says otherwise."""
    INCONCLUSIVE = "inconclusive"
    NOT_RUN = "not run"
    CITED = "cited"
    """Carried over from the paper; nothing here measures it."""

    @property
    def empirical(self) -> bool:
        """Whether an experiment can end in this verdict."""
        return self in SUPPORTED or self in (Verdict.NOT_REPLICATED, Verdict.INCONCLUSIVE)


MIRRORED = {
    Verdict.REPLICATED: Verdict.NOT_REPLICATED,
    Verdict.TREND: Verdict.NOT_REPLICATED,
    Verdict.MECHANISM: Verdict.NOT_REPLICATED,
    Verdict.NOT_REPLICATED: Verdict.TREND,
}
"""What a verdict says of a claim that states the opposite; all others say the same of both."""

SUPPORTED = (Verdict.REPLICATED, Verdict.TREND, Verdict.MECHANISM)
"""The verdicts of a claim that an experiment supports."""


Registration = Literal["stated before the run", "amended after the run", "not recorded"]
"""What the record's hashes say of the rule that judges it (`gptrepro.results.preregistration`)."""


@dataclass(frozen=True)
class Judgement:
    """A verdict with the evidence it rests on."""

    verdict: Verdict
    reason: str
    """One sentence: why this verdict."""
    measured: Any = None
    """The measured value, in the claim's unit unless ``unit`` names another."""
    unit: str | None = None
    """Unit of what was measured, where it is not the claim's."""
    compared: Mapping[str, float] = field(default_factory=dict)
    """What the rule compares, by name: means over what replicates."""
    effect: str | None = None
    """What the rule tests, in words: a margin, a difference, a slope."""
    size: float | None = None
    """Mean of the effect over what replicates."""
    interval: tuple[float, float] | None = None
    """95% interval of the effect."""
    n: int | None = None
    """Independent units that the interval rests on."""
    seeds: list[int] = field(default_factory=list)
    """Of the runs; none where released weights are judged over items."""
    scale: str | None = None
    experiment: str | None = None
    mde: float | None = None
    """The smallest effect that the test would have seen with 80% power."""
    p_value: float | None = None
    """Of the rule's own test; Holm's correction within a chapter works on it, and takes None for 1."""
    registration: Registration | None = None
    """Whether the rule was written down before the runs, in these words."""
    stale: str | None = None
    """Why the record no longer fits today's code and data, with the command that renews it."""
