"""The ledger of claims: what the papers say, the rules that judge it, and the verdicts."""

from gptrepro.claims.ledger import Claim, JudgedClaim, judge, load_claims
from gptrepro.claims.rules import Evidence
from gptrepro.claims.verdict import Judgement, Verdict

__all__ = ["Claim", "Evidence", "JudgedClaim", "Judgement", "Verdict", "judge", "load_claims"]
