"""The ledger: every claim with its verdict."""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal, NamedTuple

from gptrepro.claims.claim import TEXTS, Claim, load_claims
from gptrepro.claims.evidence import Evidence
from gptrepro.claims.judging import SIGNIFICANCE, decided
from gptrepro.claims.rules import TRAINED, apply_rule, some_agree
from gptrepro.claims.verdict import MIRRORED, SUPPORTED, Judgement, Registration, Verdict
from gptrepro.errors import GptreproError
from gptrepro.evaluate.statistics import holm, holm_levels
from gptrepro.results.preregistration import SOURCES, rule_hash
from gptrepro.scales import Scale

Basis = Literal["experiment", "construction", "arithmetic", "reading", "mirror", "citation", "nothing yet"]


@dataclasses.dataclass(frozen=True)
class JudgedClaim:
    """A claim and what the evidence says of it."""

    claim: Claim
    judgement: Judgement

    @property
    def basis(self) -> Basis:
        """What the verdict rests on; only an experiment is evidence about the paper's results."""
        if self.claim.mirror_of is not None:
            return "mirror"
        if self.judgement.experiment is not None:
            return "experiment"
        if self.claim.rule is not None:
            return "arithmetic" if self.claim.rule.name == "recomputed" else "construction"
        if self.judgement.verdict is Verdict.NOT_RUN:
            return "nothing yet"
        return "citation" if self.judgement.verdict is Verdict.CITED else "reading"

    @property
    def tried(self) -> bool:
        """Whether an experiment put it to the test."""
        return self.basis == "experiment" and self.judgement.verdict.empirical

    @property
    def anchor(self) -> str:
        """Its place on the Scoreboard, whose scripts take a link's target for a CSS selector."""
        return self.claim.id.replace(".", "-")

    def as_row(self) -> dict[str, Any]:
        """One flat, JSON-able row."""
        row = self.claim.model_dump(
            include={
                *("id", "paper", "where", "statement", "published", "table", "unit", "kind", "chapter"),
                *("stated_by", "primary", "mirror_of"),
            }
        )
        found = {
            each.name: getattr(self.judgement, each.name)
            for each in dataclasses.fields(self.judgement)
            if each.name not in ("trial", "others")
        }
        found["beside"] = [dataclasses.asdict(each) for each in self.judgement.beside]
        return row | found | {"verdict": str(self.judgement.verdict), "basis": self.basis}


class Ends(NamedTuple):
    """How claims that experiments tried have ended: counts."""

    held: int
    denied: int
    """Not replicated, or smaller than stated."""
    open: int
    """Undecided or void."""


def ends(judged: Iterable[JudgedClaim]) -> Ends:
    """How those of the claims that an experiment tried have ended."""
    verdicts = [item.judgement.verdict for item in judged if item.tried]
    held = sum(verdict in SUPPORTED for verdict in verdicts)
    denied = sum(verdict.denied for verdict in verdicts)
    return Ends(held, denied, len(verdicts) - held - denied)


def judge(claims: Sequence[Claim], evidence: Evidence | None = None) -> list[JudgedClaim]:
    """Judge claims: a claim's verdict is one in any call.

    Records are looked at once for each claim, at the nominal level. A chapter's primary claims are decided
    there; all its others with a rule on trained models are exploratory and share Holm's correction, whatever
    the data say, those included that are in the ledger and not among ``claims``.

    Raises:
        GptreproError: a rule cannot be applied; the sentence names its claim.
    """
    evidence = evidence or Evidence()
    asked = [*claims, *_tested_beside(claims)]
    judged = [JudgedClaim(each, _judge_one(each, evidence)) for each in asked if each.mirror_of is None]
    found = {item.claim.id: _explained(item) for item in _corrected(judged)}
    return [found[claim.id] if claim.mirror_of is None else _mirrored(claim, found) for claim in claims]


def _mirrored(claim: Claim, found: Mapping[str, JudgedClaim]) -> JudgedClaim:
    """A claim that says the opposite of another: one statistic, one verdict, read the other way round."""
    judgement = found[str(claim.mirror_of)].judgement
    reason = f"It says the opposite of {claim.mirror_of}, whose test decides both. {claim.because or ''}"
    verdict = MIRRORED.get(judgement.verdict, judgement.verdict)
    return JudgedClaim(claim, dataclasses.replace(judgement, verdict=verdict, reason=reason.strip()))


def _explained(item: JudgedClaim) -> JudgedClaim:
    """With what to know about the verdict after its reason."""
    if item.claim.rule is None or not item.claim.because:
        return item
    reason = f"{item.judgement.reason} {item.claim.because}"
    return JudgedClaim(item.claim, dataclasses.replace(item.judgement, reason=reason))


def _tested_beside(claims: Sequence[Claim]) -> list[Claim]:
    """What else the ledger puts to a test in the chapters where ``claims``, or what they mirror, are."""
    asked = {claim.id for claim in claims}
    mirrored = {claim.mirror_of for claim in claims} - {None}
    known = load_claims() if mirrored or any(map(_tested, claims)) else []
    tests = [claim for claim in claims if _tested(claim)] + [each for each in known if each.id in mirrored]
    chapters = {_chapter(claim) for claim in tests}
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
    return dataclasses.replace(
        found, verdict=_worded(claim, found), registration=_registration(claim, found, evidence)
    )


def _worded(claim: Claim, found: Judgement) -> Verdict:
    """The verdict in the words for such a claim: a text is right or wrong, even where a model was built."""
    if claim.rule is None or claim.paper not in TEXTS or found.verdict not in _OF_TEXTS:
        return found.verdict
    allowed = {
        name: claim.rule.arguments[name] for name in ("tolerance", "keys") if name in claim.rule.arguments
    }
    partly = found.verdict is Verdict.DEVIATES and some_agree(claim.published, found.measured, **allowed)
    return Verdict.PARTLY if partly else _OF_TEXTS[found.verdict]


_OF_TEXTS = {Verdict.AGREES: Verdict.CONFIRMED, Verdict.DEVIATES: Verdict.REFUTED}
"""What a built model says of a text about it."""


def _registration(claim: Claim, found: Judgement, evidence: Evidence) -> Registration | None:
    """Whether every run that the judgement rests on began under the rule of today."""
    if claim.rule is None or found.scale is None:
        return None
    arguments = claim.rule.arguments
    names = [arguments[role] for role in SOURCES if role in arguments]
    records = [evidence.by_scale(name)[Scale(found.scale)] for name in names]
    runs = [run for record in records for run in record.runs if run.seed is None or run.seed in found.seeds]
    if any(run.rules is None for run in runs):
        return "not recorded"
    stated = rule_hash(claim.rule.model_dump(), primary=claim.primary)
    kept = all((run.rules or {}).get(claim.id) == stated for run in runs)
    return "stated before the run" if kept else "amended after the run"


def _corrected(judged: list[JudgedClaim]) -> list[JudgedClaim]:
    """Decide the exploratory claims of each chapter at the levels of Holm's correction.

    Primary claims keep the nominal level. An exploratory one without a p-value (not run, void, too few seeds,
    scores at the floor) counts with p = 1: were it left out, the data would choose how many tests there are.
    """
    families: dict[str, list[int]] = defaultdict(list)
    for i, item in enumerate(judged):
        if _tested(item.claim) and not item.claim.primary:
            families[_chapter(item.claim)].append(i)
    for family in families.values():
        found = [judged[i].judgement for i in family]
        p_values = [1.0 if each.trial is None else each.trial.p_value for each in found]
        adjusted, levels = holm(p_values), holm_levels(p_values, SIGNIFICANCE)
        for i, each, p_value, level in zip(family, found, adjusted, levels, strict=True):
            if each.trial is not None and level < SIGNIFICANCE:
                each = decided(each, level, p_value)
                why = f"It is one of {len(family)} exploratory claims of its chapter (Holm's correction)."
                each = dataclasses.replace(each, reason=f"{each.reason} {why}")
            judged[i] = JudgedClaim(judged[i].claim, each)
    return judged


def _tested(claim: Claim) -> bool:
    """Whether a trained model puts the claim to a test, run or not."""
    return claim.rule is not None and claim.rule.name in TRAINED


def _chapter(claim: Claim) -> str:
    return claim.chapter or claim.paper
