"""The ledger: every claim with its verdict."""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from collections.abc import Sequence
from typing import Any, Literal

from gptrepro.claims.claim import Claim, load_claims
from gptrepro.claims.evidence import Evidence
from gptrepro.claims.judging import SIGNIFICANCE
from gptrepro.claims.rules import TRAINED, apply_rule
from gptrepro.claims.verdict import Judgement, Verdict
from gptrepro.errors import GptreproError
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
    """Judge claims, with Holm's correction over all tests of a chapter: a claim's verdict is one in any call.

    The tests of a chapter are its claims with a rule on trained models, whatever the data say; those that are
    not among ``claims`` come from the ledger.

    Raises:
        GptreproError: a rule cannot be applied; the sentence names its claim.
    """
    evidence = evidence or Evidence()
    judged = [JudgedClaim(claim, _judge_one(claim, evidence)) for claim in [*claims, *_tested_beside(claims)]]
    return _corrected(judged)[: len(claims)]


def _tested_beside(claims: Sequence[Claim]) -> list[Claim]:
    """What else the ledger puts to a test in the chapters where ``claims`` are."""
    asked = {claim.id for claim in claims}
    chapters = {_chapter(claim) for claim in claims if _tested(claim)}
    known = load_claims() if chapters else []
    return [c for c in known if _tested(c) and _chapter(c) in chapters and c.id not in asked]


def _judge_one(claim: Claim, evidence: Evidence) -> Judgement:
    if claim.rule is None:
        return Judgement(Verdict(claim.no_rule or "cited"), reason=claim.because or "")
    try:
        found = apply_rule(claim.rule.name, claim.published, evidence, claim.rule.arguments)
    except GptreproError as error:
        raise GptreproError(f"Claim {claim.id}: {error}") from error
    except Exception as error:  # a probe's or a check's mistake must not hide whose claim it was
        what = f"{type(error).__name__}: {error}"
        raise GptreproError(
            f"Claim {claim.id}: its rule {claim.rule.name} fails ({what}): correct its arguments or the code."
        ) from error
    return dataclasses.replace(found, reason=f"{found.reason} {claim.because or ''}".strip())


def _corrected(judged: list[JudgedClaim]) -> list[JudgedClaim]:
    """Downgrade what does not survive Holm's correction among the tests of its chapter.

    One without a p-value (not run, too few seeds, scores at the floor) counts with p = 1: were it left out,
    the data would choose how many tests there are.
    """
    tests: dict[str, list[int]] = defaultdict(list)
    for i, item in enumerate(judged):
        if _tested(item.claim):
            tests[_chapter(item.claim)].append(i)
    for family in tests.values():
        found = [judged[i].judgement for i in family]
        adjusted = holm([1.0 if each.p_value is None else each.p_value for each in found])
        for i, each, p_value in zip(family, found, adjusted, strict=True):
            if p_value > SIGNIFICANCE and each.verdict not in (Verdict.INCONCLUSIVE, Verdict.NOT_RUN):
                why = f"It does not survive Holm's correction over the chapter's {len(family)} tests."
                weaker = dataclasses.replace(
                    each, verdict=Verdict.INCONCLUSIVE, reason=f"{each.reason} {why}"
                )
                judged[i] = JudgedClaim(judged[i].claim, weaker)
    return judged


def _tested(claim: Claim) -> bool:
    """Whether a trained model puts the claim to a test, run or not."""
    return claim.rule is not None and claim.rule.name in TRAINED


def _chapter(claim: Claim) -> str:
    return claim.chapter or claim.paper
