"""The ledger as tables: for the command line, the notebooks and the Scoreboard."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any, get_args

import pandas as pd

from gptrepro.claims.claim import Claim
from gptrepro.claims.ledger import Basis, JudgedClaim, ends
from gptrepro.claims.verdict import Verdict
from gptrepro.claims.wording import compact, with_unit

PAPERS = ("background", "gpt1", "gpt2", "gpt3", "kaplan")
"""The files of claims that papers make."""

TITLES = {
    "background": "Background",
    "gpt1": "GPT-1",
    "gpt2": "GPT-2",
    "gpt3": "GPT-3",
    "kaplan": "Kaplan",
    "popular": "Popular claims",
    "contradictions": "Contradictions",
}
"""What readers call the files of claims."""


def counts_by_paper(judged: Sequence[JudgedClaim]) -> pd.DataFrame:
    """What the papers themselves state, by paper: how much of it experiments tried and how that ended, and
    what else was settled. Claims in a form of ours, and mirrors, are left out."""
    stated = [item for item in judged if item.claim.stated_by == "paper" and item.claim.mirror_of is None]
    rows = []
    for paper in PAPERS:
        found = [item for item in stated if item.claim.paper == paper]
        came = ends(found)
        built = [item.judgement.verdict for item in found if item.basis in ("construction", "arithmetic")]
        rows.append(
            {
                "paper": TITLES[paper],
                "claims": len(found),
                "tried by experiment": sum(came),
                "held": came.held,
                "not replicated, or smaller": came.denied,
                "undecided or void": came.open,
                "built or computed": len(built),
                "of these, otherwise": sum(verdict.disagrees for verdict in built),
            }
        )
    return pd.DataFrame(rows)


def headline(judged: Sequence[JudgedClaim]) -> str:
    """One sentence on what the papers state and an experiment tried, by paper; all else is counted apart."""
    counts = counts_by_paper(judged)
    parts = [
        f"{row['paper']} {row['tried by experiment']} and {row['held']}"
        for row in counts.to_dict("records")
        if row["tried by experiment"]
    ]
    tried, held = (int(counts[column].sum()) for column in ("tried by experiment", "held"))
    ours = sum(item.tried and item.claim.stated_by == "ours" for item in judged)
    by_paper = f" ({'; '.join(parts)})" if parts else ""
    return (
        f"Of what the papers themselves state, experiments tried {tried} claims and {held} held{by_paper}. "
        f"{ours} more were tried in a form of ours; they are counted apart, and so is what was built, "
        "computed or read."
    )


def count_by_basis(judged: Sequence[JudgedClaim]) -> pd.DataFrame:
    """How many claims have each verdict (rows), by what the verdict rests on (columns)."""
    counts = Counter((item.judgement.verdict, item.basis) for item in judged)
    verdicts = [verdict for verdict in Verdict if any(found == verdict for found, _ in counts)]
    bases = [basis for basis in get_args(Basis) if any(found == basis for _, found in counts)]
    return pd.DataFrame(
        [[counts[verdict, basis] for basis in bases] for verdict in verdicts],
        index=[str(verdict) for verdict in verdicts],
        columns=bases,
    )


def printed(claim: Claim) -> str:
    """What the paper prints, as short text; a number with its unit."""
    return f"table of {len(claim.rows)} rows" if claim.table is not None else text_of(claim.published, claim)


def measured(item: JudgedClaim) -> str:
    """What was measured, as short text; of a comparison both sides, the effect and its interval at the level
    that decided."""
    found = item.judgement
    unit = found.unit or item.claim.unit
    means = ", ".join(f"{name}: {mean:.2f}" for name, mean in found.compared.items())
    text = with_unit(means, unit) if means else text_of(found.measured, item.claim)
    if found.effect is None or found.interval is None:
        return text
    low, high = found.interval
    digits = digits_of(found.interval)
    return f"{text}; {found.effect} {found.size:.{digits}f} ({low:.{digits}f} to {high:.{digits}f})"


def text_of(value: Any, claim: Claim) -> str:
    """A number with the claim's unit; where there are several, their names say what they are."""
    single = isinstance(value, int | float) and not isinstance(value, bool)
    return with_unit(compact(value), claim.unit if single else None)


def digits_of(interval: tuple[float, float]) -> int:
    """Decimals of an interval: a third one where it is close to zero."""
    return 2 if max(map(abs, interval)) >= 0.1 else 3
