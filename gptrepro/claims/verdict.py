"""Verdicts: what a rule concludes about a claim."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:  # reading verdicts needs no statistics
    from gptrepro.claims.trial import Trial


class Verdict(StrEnum):
    """What the evidence says of a claim. Experiments, built models and texts have words of their own."""

    REPLICATED = "replicated"
    TREND = "trend replicated"
    """The direction and the stated minimum hold, at a smaller scale than the paper's."""
    MECHANISM = "mechanism shown"
    """A constructed analogue shows how it can work, not that the paper's model does it."""
    SMALLER = "smaller than stated"
    """The effect is below the minimum that was stated before the run, and not below zero."""
    NOT_REPLICATED = "not replicated"
    """An experiment says otherwise."""
    INCONCLUSIVE = "inconclusive"
    VOID = "void"
    """The experiment failed its own check and says nothing of the claim."""
    AGREES = "agrees"
    """What was built here is as the paper says: evidence about the code, never about a result."""
    DEVIATES = "deviates"
    """What was built here is otherwise."""
    CONFIRMED = "confirmed"
    """Arithmetic on the papers' own figures, or reading them, says so."""
    PARTLY = "partly right"
    """Some of it holds, or it holds of something else than is said."""
    REFUTED = "refuted"
    """Arithmetic on the papers' own figures, or reading them, says otherwise."""
    NOT_RUN = "not run"
    CITED = "cited"
    """Carried over from the paper; nothing here measures it."""

    @property
    def empirical(self) -> bool:
        """Whether an experiment can end in this verdict."""
        return self in SUPPORTED or self.denied or self in (Verdict.INCONCLUSIVE, Verdict.VOID)

    @property
    def denied(self) -> bool:
        """Whether an experiment ended against the claim, as it is stated or altogether."""
        return self in (Verdict.SMALLER, Verdict.NOT_REPLICATED)

    @property
    def disagrees(self) -> bool:
        """Whether what was built, computed or read is not all as the claim says."""
        return self in (Verdict.DEVIATES, Verdict.PARTLY, Verdict.REFUTED)


SUPPORTED = (Verdict.REPLICATED, Verdict.TREND, Verdict.MECHANISM)
"""The verdicts of a claim that an experiment supports."""

MIRRORED = dict.fromkeys(SUPPORTED, Verdict.NOT_REPLICATED) | {
    Verdict.SMALLER: Verdict.TREND,
    Verdict.NOT_REPLICATED: Verdict.TREND,
}
"""What a verdict says of a claim that states the opposite; all others say the same of both."""

Registration = Literal["stated before the run", "amended after the run", "not recorded"]
"""What the record's hashes say of the rule that judges it (`gptrepro.results.preregistration`)."""


@dataclass(frozen=True)
class AtScale:
    """What a record says that does not decide: of a smaller scale, or of too few seeds."""

    scale: str
    n: int
    size: float
    """Mean of the effect."""
    interval: tuple[float, float] | None
    """At the level that the deciding one has; None where there are too few seeds for one."""


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
    level: float | None = None
    """The one-sided level that decided: 5%, or what Holm's correction leaves of it."""
    interval: tuple[float, float] | None = None
    """Of the effect; each end is missed with the probability ``level``."""
    p_value: float | None = None
    """One-sided, of the answer that is nearer, corrected where the claim is not primary: compares with 5%."""
    mde: float | None = None
    """The smallest effect that the test would have seen with 80% power, at ``level``."""
    n: int | None = None
    """Independent units that the interval rests on."""
    seeds: list[int] = field(default_factory=list)
    """Of the runs; none where released weights are judged over items."""
    scale: str | None = None
    experiment: str | None = None
    precision: str | None = None
    """Number format of the trainings."""
    beside: tuple[AtScale, ...] = ()
    """The other scales that the experiment was run at."""
    registration: Registration | None = None
    """Whether the rule was written down before the runs, in these words."""
    stale: str | None = None
    """Why the record no longer fits today's code and data, with the command that renews it."""
    trial: Trial | None = field(default=None, repr=False)
    """What was asked of the data, to be decided at another level; None where they decide nothing."""
    others: tuple[Judgement, ...] = field(default=(), repr=False)
    """The same rule on the records that do not decide."""
