"""The ledger: every claim, with its place, its value, its rule and its verdict."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from gptrepro import storage
from gptrepro.claims.rules import Evidence, apply_rule
from gptrepro.claims.verdict import Judgement, Verdict
from gptrepro.errors import GptreproError
from gptrepro.evaluate.statistics import holm

SIGNIFICANCE = 0.05
"""Two-sided level of every test, before Holm's correction within a chapter."""

Kind = Literal["architecture", "training", "data", "result", "analysis"]


class RuleCall(BaseModel):
    """The rule that judges a claim: a function of `gptrepro.claims.rules` and its arguments."""

    model_config = ConfigDict(extra="allow", frozen=True)

    name: str

    @property
    def arguments(self) -> dict[str, Any]:
        """Everything but the name."""
        return dict(self.model_extra or {})


class Claim(BaseModel):
    """What a paper says, where, and how it is judged here."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str = Field(pattern=r"^[a-z0-9][a-z0-9.-]*$")
    paper: str
    where: str
    statement: str
    published: Any = None
    unit: str | None = None
    kind: Kind
    chapter: str | None = None
    """The notebook that discusses it, such as ``gpt1/01-model``."""
    rule: RuleCall | None = None
    no_rule: Literal["cited", "not run"] | None = None
    """The verdict where no rule judges the claim yet."""
    because: str | None = None
    """Why there is no rule: what a test would need."""

    @model_validator(mode="after")
    def _rule_or_reason(self) -> Claim:
        if (self.rule is None) == (self.no_rule is None):
            raise ValueError("a claim has either a rule or no_rule")
        if self.no_rule is not None and not self.because:
            raise ValueError("a claim without a rule says why in because")
        return self


@dataclasses.dataclass(frozen=True)
class JudgedClaim:
    """A claim and what the evidence says of it."""

    claim: Claim
    judgement: Judgement

    def as_row(self) -> dict[str, Any]:
        """One flat, JSON-able row."""
        row = self.claim.model_dump(
            include={"id", "paper", "where", "statement", "published", "unit", "kind", "chapter"}
        )
        found = dataclasses.asdict(self.judgement)
        found.pop("p_value")
        return row | found | {"verdict": str(self.judgement.verdict)}


def read_claims(path: Path) -> list[Claim]:
    """Read one file of claims; its name is the paper.

    Raises:
        GptreproError: the file is damaged or a claim is incomplete.
    """
    try:
        rows = yaml.safe_load(path.read_text(encoding="utf-8")) or []
    except yaml.YAMLError as error:
        raise GptreproError(f"{path} is not valid YAML: {error}") from error
    claims = []
    for row in rows:
        try:
            claims.append(Claim.model_validate({"paper": path.stem} | row))
        except ValidationError as error:
            first = error.errors()[0]
            name = row.get("id", "without an id") if isinstance(row, dict) else row
            place = ".".join(str(part) for part in first["loc"])
            raise GptreproError(
                f"{path}, claim {name}: {place} {first['msg']}.".replace("  ", " ")
            ) from error
    return claims


def load_claims(folder: Path | None = None) -> list[Claim]:
    """Every claim of ``data/claims``, file by file.

    Raises:
        GptreproError: a file is damaged or two claims share an id.
    """
    folder = folder or storage.project_root() / "data" / "claims"
    claims = [claim for path in sorted(folder.glob("*.yml")) for claim in read_claims(path)]
    seen: set[str] = set()
    for claim in claims:
        if claim.id in seen:
            raise GptreproError(f"Two claims are called {claim.id}: rename one of them.")
        seen.add(claim.id)
    return claims


def judge(claims: Sequence[Claim], evidence: Evidence | None = None) -> list[JudgedClaim]:
    """Judge claims, with Holm's correction over the tests of each paper among them."""
    evidence = evidence or Evidence()
    judged = [JudgedClaim(claim, _judge_one(claim, evidence)) for claim in claims]
    return _corrected(judged)


def _judge_one(claim: Claim, evidence: Evidence) -> Judgement:
    if claim.rule is None:
        return Judgement(Verdict(claim.no_rule or "cited"), reason=claim.because or "")
    return apply_rule(claim.rule.name, claim.published, evidence, claim.rule.arguments)


def _corrected(judged: list[JudgedClaim]) -> list[JudgedClaim]:
    """Downgrade what does not survive Holm's correction among the tests of its paper."""
    for paper in {item.claim.paper for item in judged}:
        tested = [
            i
            for i, item in enumerate(judged)
            if item.claim.paper == paper and item.judgement.p_value is not None
        ]
        adjusted = holm([judged[i].judgement.p_value or 0.0 for i in tested])
        for i, p_value in zip(tested, adjusted, strict=True):
            found = judged[i].judgement
            if p_value > SIGNIFICANCE and found.verdict not in (Verdict.INCONCLUSIVE, Verdict.NOT_RUN):
                reason = f"{found.reason} It does not survive Holm's correction over {len(tested)} tests."
                weaker = dataclasses.replace(found, verdict=Verdict.INCONCLUSIVE, reason=reason)
                judged[i] = JudgedClaim(judged[i].claim, weaker)
    return judged
