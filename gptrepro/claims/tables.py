"""The ledger as tables: for the command line, the notebooks and the Scoreboard."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any, get_args

import pandas as pd

from gptrepro.claims.claim import Claim
from gptrepro.claims.ledger import Basis, JudgedClaim
from gptrepro.claims.verdict import SUPPORTED, Verdict
from gptrepro.claims.wording import compact
from gptrepro.errors import GptreproError


def check_selection(claims: Sequence[Claim], *, paper: str | None = None, verdict: str | None = None) -> None:
    """Refuse what `select` could not select, before anything is judged.

    Raises:
        GptreproError: no claim is of that paper, or there is no such verdict.
    """
    papers = sorted({claim.paper for claim in claims})
    if paper is not None and paper not in papers:
        raise GptreproError(f"There are no claims of '{paper}': choose {', '.join(papers)}.")
    if verdict is not None and verdict not in set(Verdict):
        raise GptreproError(f"There is no verdict '{verdict}': choose {', '.join(Verdict)}.")


def select(
    judged: Sequence[JudgedClaim], *, paper: str | None = None, verdict: str | None = None
) -> list[JudgedClaim]:
    """The judged claims of one paper, with one verdict, or both.

    Raises:
        GptreproError: as `check_selection`.
    """
    check_selection([item.claim for item in judged], paper=paper, verdict=verdict)
    return [
        item
        for item in judged
        if paper in (None, item.claim.paper) and verdict in (None, str(item.judgement.verdict))
    ]


def headline(judged: Sequence[JudgedClaim]) -> str:
    """One sentence on the claims that an experiment decided; everything else is counted apart."""
    tried = [item for item in judged if item.basis == "experiment" and item.judgement.verdict.empirical]
    held = sum(item.judgement.verdict in SUPPORTED for item in tried)
    consistent = sum(item.judgement.verdict is Verdict.CONSISTENT for item in judged)
    return (
        f"Of {len(tried)} claim{'' if len(tried) == 1 else 's'} put to an experiment, {held} held; "
        f"{consistent} more are consistent by construction or arithmetic and counted apart."
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
    """What the paper prints, as short text."""
    return f"table of {len(claim.rows)} rows" if claim.table is not None else compact(claim.published)


def frame(judged: Sequence[JudgedClaim]) -> pd.DataFrame:
    """A table of claims for a notebook: claim, place, published, measured, verdict."""
    return pd.DataFrame(
        [
            {
                "claim": item.claim.statement,
                "where": item.claim.where,
                "published": printed(item.claim),
                "measured": compact(item.judgement.measured),
                "verdict": _verdict_text(item),
            }
            for item in judged
        ]
    )


def verdict_lines(judged: Sequence[JudgedClaim], *, unit: str = "") -> str:
    """Each claim's verdict and reason; where a test was made, its interval and what it could have seen.

    Args:
        judged: the claims.
        unit: of what their tests compare, such as ``nats``.
    """
    lines = []
    after = f" {unit}" if unit else ""
    for item in judged:
        found = item.judgement
        lines.append(f"{item.claim.id}: {found.verdict}. {found.reason}")
        if found.interval is not None:
            low, high = found.interval
            lines.append(f"  interval {low:.2f} to {high:.2f}{after}, n = {found.n} seeds")
            lines.append(f"  smallest effect that the test could have seen: {found.mde:.2f}{after}")
    return "\n".join(lines)


def findings(judged: Sequence[JudgedClaim]) -> pd.DataFrame:
    """Claims about the papers, each with a plain finding: what is said, what we find, right or wrong, why.

    What arithmetic or the built model decides is right or wrong; of the others, reading gives the finding,
    with which ``because`` begins.
    """
    rows = []
    for item in judged:
        claim, verdict, note = item.claim, item.judgement.verdict, item.claim.because or ""
        if verdict is Verdict.CONSISTENT or verdict is Verdict.NOT_REPLICATED:
            finding = "right" if verdict is Verdict.CONSISTENT else "wrong"
        elif verdict is Verdict.CITED:
            first, _, note = note.partition(". ")
            finding = first.lower()
        else:
            finding = str(verdict)
        rows.append(
            {
                "it is said": claim.statement,
                "value": printed(claim),
                "we find": compact(_what_was_asked(claim.published, item.judgement.measured)),
                "finding": finding,
                "note": note,
            }
        )
    return pd.DataFrame(rows)


def _what_was_asked(published: Any, measured: Any) -> Any:
    """The parts of a measurement that the claim has too; all of it where the claim only says yes or no."""
    if not isinstance(published, Mapping) or not isinstance(measured, Mapping):
        return measured
    if all(isinstance(value, bool) for value in published.values()):
        return measured
    return {key: measured[key] for key in published if key in measured}


def _verdict_text(item: JudgedClaim) -> str:
    return f"{item.judgement.verdict}{' (stale)' if item.judgement.stale else ''}"


_COLUMNS = ("Claim", "Paper", "Where", "Published", "Measured", "Verdict", "Evidence")


def scoreboard_html(judged: Sequence[JudgedClaim]) -> str:
    """Every claim as one HTML table, for the Scoreboard.

    A row's ``data-paper``, ``data-verdict`` and ``data-basis`` serve the page's filters; each claim has
    an anchor.
    """
    head = "".join(f'<th scope="col">{column}</th>' for column in _COLUMNS)
    body = "\n".join(_row_html(item) for item in judged)
    return (
        '<div class="ledger-wrap" role="region" aria-label="All claims" tabindex="0">\n'
        f'<table class="ledger">\n<thead><tr>{head}</tr></thead>\n<tbody>\n{body}\n</tbody>\n</table>\n</div>'
    )


def _row_html(item: JudgedClaim) -> str:
    claim, found = item.claim, item.judgement
    kind = str(found.verdict).replace(" ", "-")
    badge = f'<span class="verdict verdict-{kind}">{found.verdict}</span>'
    if found.stale:
        badge += ' <span class="badge-stale">stale</span>'
    statement = escape(claim.statement)
    if claim.chapter:
        statement += f' <a href="../{escape(claim.chapter)}.html">chapter</a>'
    cells = (
        statement,
        escape(claim.paper),
        escape(claim.where),
        escape(printed(claim)) + (f" <small>{escape(claim.unit)}</small>" if claim.unit else ""),
        escape(compact(found.measured)),
        badge,
        escape(_evidence(item)),
    )
    columns = "".join(
        f'<td data-label="{label}">{cell}</td>' for label, cell in zip(_COLUMNS, cells, strict=True)
    )
    return (
        f'<tr id="{escape(claim.id)}" data-paper="{escape(claim.paper)}" data-verdict="{kind}" '
        f'data-basis="{item.basis.replace(" ", "-")}">{columns}</tr>'
    )


def _evidence(item: JudgedClaim) -> str:
    found = item.judgement
    parts = [found.reason]
    if found.interval:
        low, high = found.interval
        parts.append(
            f"95% interval {low:.2f} to {high:.2f}, n = {found.n}, smallest visible effect {found.mde:.2f}."
        )
    if found.scale:
        parts.append(f"Scale {found.scale}, {found.experiment}.")
    if found.stale:
        parts.append(f"Stale: {found.stale}.")
    return " ".join(parts)
