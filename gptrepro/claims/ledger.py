"""The ledger: every claim with its verdict."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any, Literal

from gptrepro.claims.claim import Claim
from gptrepro.claims.evidence import Evidence
from gptrepro.claims.rules import apply_rule
from gptrepro.claims.trained import SIGNIFICANCE
from gptrepro.claims.verdict import Judgement, Verdict
from gptrepro.evaluate.statistics import holm

Basis = Literal["experiment", "construction", "arithmetic", "citation", "nothing yet"]


@dataclasses.dataclass(frozen=True)
class JudgedClaim:
    """A claim and what the evidence says of it."""

    claim: Claim
    judgement: Judgement

    @property
    def basis(self) -> Basis:
        """What the verdict rests on; only an experiment is evidence about the paper's results."""
        if self.judgement.experiment is not None:
            return "experiment"
        if self.claim.rule is not None:
            return "arithmetic" if self.claim.rule.name == "recomputed" else "construction"
        return "citation" if self.judgement.verdict is Verdict.CITED else "nothing yet"

    def as_row(self) -> dict[str, Any]:
        """One flat, JSON-able row."""
        row = self.claim.model_dump(
            include={"id", "paper", "where", "statement", "published", "table", "unit", "kind", "chapter"}
        )
        found = dataclasses.asdict(self.judgement)
        found.pop("p_value")
        return row | found | {"verdict": str(self.judgement.verdict), "basis": self.basis}


def judge(claims: Sequence[Claim], evidence: Evidence | None = None) -> list[JudgedClaim]:
    """Judge claims, with Holm's correction over the tests of each chapter among them."""
    evidence = evidence or Evidence()
    judged = [JudgedClaim(claim, _judge_one(claim, evidence)) for claim in claims]
    return _corrected(judged)


def _judge_one(claim: Claim, evidence: Evidence) -> Judgement:
    if claim.rule is None:
        return Judgement(Verdict(claim.no_rule or "cited"), reason=claim.because or "")
    found = apply_rule(claim.rule.name, claim.published, evidence, claim.rule.arguments)
    return dataclasses.replace(found, reason=f"{found.reason} {claim.because or ''}".strip())


def _corrected(judged: list[JudgedClaim]) -> list[JudgedClaim]:
    """Downgrade what does not survive Holm's correction among the tests of its chapter."""
    for chapter in {_chapter(item) for item in judged}:
        tested = [
            i
            for i, item in enumerate(judged)
            if _chapter(item) == chapter and item.judgement.p_value is not None
        ]
        adjusted = holm([judged[i].judgement.p_value or 0.0 for i in tested])
        for i, p_value in zip(tested, adjusted, strict=True):
            found = judged[i].judgement
            if p_value > SIGNIFICANCE and found.verdict not in (Verdict.INCONCLUSIVE, Verdict.NOT_RUN):
                reason = f"{found.reason} It does not survive Holm's correction over {len(tested)} tests."
                weaker = dataclasses.replace(found, verdict=Verdict.INCONCLUSIVE, reason=reason)
                judged[i] = JudgedClaim(judged[i].claim, weaker)
    return judged


def _chapter(item: JudgedClaim) -> str:
    return item.claim.chapter or item.claim.paper
