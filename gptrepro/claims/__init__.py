"""The ledger of claims: what the papers say, the rules that judge it, and the verdicts."""

from gptrepro.claims.claim import Claim, load_claims
from gptrepro.claims.evidence import Evidence
from gptrepro.claims.ledger import JudgedClaim, judge
from gptrepro.claims.verdict import Judgement, Verdict

__all__ = ["Claim", "Evidence", "JudgedClaim", "Judgement", "Verdict", "judge", "load_claims"]
