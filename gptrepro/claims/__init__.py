"""The ledger of claims: what the papers say, the rules that judge it, and the verdicts.

What judges is imported when it is first asked for, so that stored verdicts are read without torch.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from gptrepro.claims.claim import Claim, load_claims
from gptrepro.claims.verdict import Judgement, Verdict

if TYPE_CHECKING:
    from gptrepro.claims.evidence import Evidence
    from gptrepro.claims.ledger import JudgedClaim, judge

__all__ = ["Claim", "Evidence", "JudgedClaim", "Judgement", "Verdict", "judge", "load_claims"]

_LATER = {"Evidence": "evidence", "JudgedClaim": "ledger", "judge": "ledger"}


def __getattr__(name: str) -> Any:
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_LATER[name]}"), name)
