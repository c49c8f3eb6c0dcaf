"""The decision behind the verdict of a rule on records: what is asked of an effect, and what the data answer.

A claim states a region before the run, in one of two forms, and data answer in one of four ways:

    a direction    effect > least     supported above it; *smaller* wholly below it and not below zero;
                                      *contradicted* wholly below zero (below it, if it is not above zero)
    equivalence    -margin < effect   supported wholly inside (two one-sided tests, Schuirmann 1987);
                   < margin           contradicted wholly outside

All else is *open*. Each answer is one-sided at the level ``alpha``, nominally 5%: where the effect is just
``least``, 5 in 100 trials support the claim by chance and 5 deny it. A claim that every step of a curve helps
has more parts: no step may lose more than stated. It is supported if each part is at ``alpha`` (the
intersection-union test, which needs no correction), and denied if one part fails at ``alpha`` divided by the
number of parts (Bonferroni).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from gptrepro.evaluate.statistics import Estimate, Student, paired_t

Answer = Literal["supported", "smaller", "contradicted", "open"]


@dataclass(frozen=True)
class Trial:
    """An effect and the region that the claim predicts."""

    effect: Estimate
    least: float
    most: float = math.inf
    steps: Mapping[str, Estimate] = field(default_factory=dict)
    """What each step of a curve gains, where every one of them is asked about."""
    loss: float = 0.0
    """The most that a step may lose."""
    what: str = "effect"
    """What is tested, of what, in words."""
    support: str = "trend replicated"
    """The verdict of a supported claim."""
    scatter: float | None = None
    """How far one seed may lie off by the machine that ran it, where that was measured."""

    def answer(self, alpha: float) -> Answer:
        """What the data say at this level."""
        if self.for_it < alpha:
            return "supported"
        if self.against < alpha:
            zero = min(self.least, 0.0)
            smaller = math.isinf(self.most) and self.parts * self.effect.below(zero) >= alpha
            return "smaller" if smaller and self.broken(alpha) is None else "contradicted"
        return "open"

    @property
    def parts(self) -> int:
        """How many parts of the claim the data may contradict."""
        return 1 + len(self.steps)

    @property
    def for_it(self) -> float:
        """p-value of the claim's support: the largest of its parts."""
        parts = [self.effect.above(self.least), *(each.above(-self.loss) for each in self.steps.values())]
        if math.isfinite(self.most):
            parts.append(self.effect.below(self.most))
        return max(parts)

    @property
    def against(self) -> float:
        """p-value of the claim's denial: the smallest of its parts, corrected for their number."""
        parts = [self.effect.below(self.least), *(each.below(-self.loss) for each in self.steps.values())]
        if math.isfinite(self.most):  # the effect cannot lie on both sides: no correction
            return min(*parts, self.effect.above(self.most))
        return min(1.0, self.parts * min(parts))

    @property
    def p_value(self) -> float:
        """The smaller of the two: of the answer that is nearer. Holm's correction works on it."""
        return min(self.for_it, self.against)

    def broken(self, alpha: float) -> str | None:
        """The first step that loses more than it may, at this level; None if none does."""
        losing = (name for name, each in self.steps.items() if self.parts * each.below(-self.loss) < alpha)
        return next(losing, None)

    def unsettled(self, alpha: float) -> str | None:
        """The first step whose loss is not excluded, where the effect itself would do."""
        if self.effect.above(self.least) >= alpha:
            return None
        return next((name for name, each in self.steps.items() if each.above(-self.loss) >= alpha), None)

    def elsewhere(self, alpha: float) -> set[Answer]:
        """The answers if any one seed had given more or less by the scatter, as on another machine."""
        if self.scatter is None or not isinstance(self.effect, Student) or self.steps:
            return {self.answer(alpha)}
        values = self.effect.differences
        moved = [
            [value + shift if i == j else value for j, value in enumerate(values)]
            for i in range(len(values))
            for shift in (-self.scatter, 0.0, self.scatter)
        ]
        return {replace(self, effect=paired_t(each)).answer(alpha) for each in moved}
