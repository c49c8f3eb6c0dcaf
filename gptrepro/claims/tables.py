"""The ledger as tables: for the command line, the notebooks and the Scoreboard."""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any, get_args

import pandas as pd

from gptrepro.claims.claim import Claim
from gptrepro.claims.judging import SIGNIFICANCE
from gptrepro.claims.ledger import Basis, JudgedClaim
from gptrepro.claims.verdict import SUPPORTED, Judgement, Registration, Verdict
from gptrepro.claims.wording import compact, percent, with_unit

TITLES = {"background": "Background", "gpt1": "GPT-1", "gpt2": "GPT-2", "gpt3": "GPT-3", "kaplan": "Kaplan"}
"""What readers call the files of claims that papers make."""


def counts_by_paper(judged: Sequence[JudgedClaim]) -> pd.DataFrame:
    """What the papers themselves state, by paper: how much of it experiments tried and how that ended, and
    what else was settled. Claims in a form of ours, and mirrors, are left out."""
    stated = [item for item in judged if item.claim.stated_by == "paper" and item.claim.mirror_of is None]
    rows = []
    for paper, title in TITLES.items():
        found = [item for item in stated if item.claim.paper == paper]
        tried = [item.judgement.verdict for item in found if _tried(item)]
        built = [item.judgement.verdict for item in found if item.basis in ("construction", "arithmetic")]
        held = sum(verdict in SUPPORTED for verdict in tried)
        denied = sum(verdict in (Verdict.NOT_REPLICATED, Verdict.SMALLER) for verdict in tried)
        rows.append(
            {
                "paper": title,
                "claims": len(found),
                "tried by experiment": len(tried),
                "held": held,
                "not replicated, or smaller": denied,
                "undecided or void": len(tried) - held - denied,
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
    ours = sum(_tried(item) and item.claim.stated_by == "ours" for item in judged)
    by_paper = f" ({'; '.join(parts)})" if parts else ""
    return (
        f"Of what the papers themselves state, experiments tried {tried} claims and {held} held{by_paper}. "
        f"{ours} more were tried in a form of ours; they are counted apart, and so is what was built, "
        "computed or read."
    )


def _tried(item: JudgedClaim) -> bool:
    return item.basis == "experiment" and item.judgement.verdict.empirical


def outcome(judged: Sequence[JudgedClaim]) -> str:
    """What experiments decided, for the summary of a chapter: a Markdown list, ordered by verdict."""
    tried = [item for item in judged if item.basis == "experiment"]
    tried.sort(key=lambda item: list(Verdict).index(item.judgement.verdict))
    scales = sorted({item.judgement.scale for item in tried if item.judgement.scale})
    where = f" at {' and '.join(scales)} scale" if scales else ""
    lines = [f"- *{_verdict_text(item)}*: {item.claim.statement}" for item in tried]
    return "\n".join([f"**Outcome{where}.**", "", *lines])


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
    return f"table of {len(claim.rows)} rows" if claim.table is not None else _text(claim.published, claim)


def measured(item: JudgedClaim) -> str:
    """What was measured, as short text; of a comparison both sides, the effect and its interval at the level
    that decided."""
    found = item.judgement
    unit = found.unit or item.claim.unit
    means = ", ".join(f"{name}: {mean:.2f}" for name, mean in found.compared.items())
    text = with_unit(means, unit) if means else _text(found.measured, item.claim)
    if found.effect is None or found.interval is None:
        return text
    low, high = found.interval
    digits = _digits(found.interval)
    return f"{text}; {found.effect} {found.size:.{digits}f} ({low:.{digits}f} to {high:.{digits}f})"


def _units(found: Judgement) -> str:
    return "seeds" if found.seeds else "items"


def _confidence(found: Judgement) -> str:
    """Of an interval whose ends are each missed at the level that decided."""
    return percent(1 - 2 * (found.level or 0.0))


def _p_value(found: Judgement) -> str:
    """The one-sided p-value that compares with 5%, and what it was corrected for."""
    p_value = found.p_value or 0.0
    p = "p < 0.001" if p_value < 0.001 else f"p = {p_value:.3f}"
    return p if found.level == SIGNIFICANCE else f"{p} after Holm's correction"


def _beside(found: Judgement) -> list[str]:
    """What the scales say that do not decide, the larger first."""
    lines = []
    for other in found.beside:
        digits = _digits(other.interval or (other.size, other.size))
        text = f"at {other.scale}: {found.effect} {other.size:.{digits}f}"
        if other.interval is not None:
            low, high = other.interval
            text += f" ({low:.{digits}f} to {high:.{digits}f})"
        lines.append(f"{text}, n = {other.n} {_units(found)}")
    return lines


def _digits(interval: tuple[float, float]) -> int:
    """Decimals of an interval: a third one where it is close to zero."""
    return 2 if max(map(abs, interval)) >= 0.1 else 3


def _text(value: Any, claim: Claim) -> str:
    """A number with the claim's unit; where there are several, their names say what they are."""
    single = isinstance(value, int | float) and not isinstance(value, bool)
    return with_unit(compact(value), claim.unit if single else None)


def frame(judged: Sequence[JudgedClaim]) -> pd.DataFrame:
    """A table of claims for a notebook: claim, place, published, measured, verdict."""
    return pd.DataFrame(
        [
            {
                "claim": item.claim.statement,
                "where": item.claim.where,
                "published": printed(item.claim),
                "measured": measured(item),
                "verdict": _verdict_text(item),
            }
            for item in judged
        ]
    )


_PAGE = 80
"""Characters of a line that a page shows without scrolling."""


def verdict_lines(judged: Sequence[JudgedClaim], *, unit: str | None = None) -> str:
    """Each claim's verdict and reason; where a test was made, its interval and what it could have seen.

    Args:
        judged: the claims.
        unit: of what their tests compare, such as ``nats``, where it is not that of what was measured.
    """
    lines = []
    for item in judged:
        found = item.judgement
        sentence = f"{item.claim.id}: {found.verdict}. {found.reason}"
        lines += textwrap.wrap(sentence, _PAGE, subsequent_indent="  ", break_on_hyphens=False)
        if found.interval is not None:
            low, high = found.interval
            digits = _digits(found.interval)
            tested = unit or found.unit or item.claim.unit
            interval = with_unit(f"{low:.{digits}f} to {high:.{digits}f}", tested)
            lines.append(f"  {_confidence(found)} interval {interval}, n = {found.n} {_units(found)}")
            if found.p_value is not None:
                lines.append(f"  {_p_value(found)}")
            smallest = with_unit(f"{found.mde:.{digits}f}", tested)
            lines.append(f"  smallest effect that the test could have seen: {smallest}")
            lines += [f"  {beside}" for beside in _beside(found)]
    return "\n".join(lines)


def findings(judged: Sequence[JudgedClaim]) -> pd.DataFrame:
    """Claims about the papers, each with a plain finding: what is said, what we find, whether it is right."""
    return pd.DataFrame(
        [
            {
                "it is said": item.claim.statement,
                "value": printed(item.claim),
                "we find": _text(_what_was_asked(item.claim.published, item.judgement.measured), item.claim),
                "finding": str(item.judgement.verdict),
                "note": item.claim.because or "",
            }
            for item in judged
        ]
    )


def _what_was_asked(published: Any, measured: Any) -> Any:
    """The parts of a measurement that the claim has too; all of it where the claim only says yes or no."""
    if not isinstance(published, Mapping) or not isinstance(measured, Mapping):
        return measured
    if all(isinstance(value, bool) for value in published.values()):
        return measured
    return {key: measured[key] for key in published if key in measured}


def _verdict_text(item: JudgedClaim) -> str:
    return f"{item.judgement.verdict}{' (stale)' if item.judgement.stale else ''}"


_COLUMNS = ("Paper", "Claim", "Published", "Measured", "Verdict")

_LONG = 90
"""Characters of a value beyond which the Scoreboard folds it away."""


def scoreboard_html(judged: Sequence[JudgedClaim]) -> str:
    """Every claim as one HTML table, for the Scoreboard.

    A row's ``data-paper``, ``data-verdict`` and ``data-basis`` serve the page's filters; each claim has
    an anchor. Evidence and long values are folded, so that a row stays low.
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
    if found.registration == "amended after the run":
        badge += ' <span class="badge-stale">rule amended</span>'
    name, anchor = escape(claim.id), item.anchor
    statement = escape(claim.statement)
    if claim.chapter:
        statement += f' <a href="../{escape(claim.chapter)}.html">chapter</a>'
    cells = (
        f'{escape(claim.paper)}, {escape(claim.where)} <a class="claim-id" href="#{anchor}">{name}</a>',
        f"{statement} {_folded('why', _evidence(item))}",
        _value_html(printed(claim), claim.unit if isinstance(claim.published, Mapping | list) else None),
        escape(measured(item)) if found.effect else _value_html(measured(item)),
        badge,
    )
    columns = "".join(
        f'<td data-label="{label}">{cell}</td>' for label, cell in zip(_COLUMNS, cells, strict=True)
    )
    return (
        f'<tr id="{anchor}" data-paper="{escape(claim.paper)}" data-verdict="{kind}" '
        f'data-basis="{item.basis.replace(" ", "-")}">{columns}</tr>'
    )


def _folded(summary: str, text: str) -> str:
    return f"<details><summary>{summary}</summary> {escape(text)}</details>"


def _value_html(text: str, unit: str | None = None) -> str:
    """A value; a long one is folded. ``unit`` is what its parts share."""
    shown = f"{text} ({unit})" if unit else text
    count = text.count(": ") or text.count(", ") + 1
    return _folded(f"{count} values", shown) if len(text) > _LONG else escape(shown)


_REGISTERED: dict[Registration, str] = {
    "stated before the run": "The rule is the one that the runs began under.",
    "amended after the run": "The rule was amended after the runs had begun.",
    "not recorded": "Whether the rule was stated before the runs is not recorded.",
}


def _evidence(item: JudgedClaim) -> str:
    found = item.judgement
    parts = [found.reason]
    if found.mde is not None:
        parts.append(
            f"{_confidence(found)} interval, n = {found.n} {_units(found)}"
            f"{'' if found.p_value is None else f', {_p_value(found)}'}; smallest {found.effect} that the "
            f"test could have seen: {found.mde:.2f}."
        )
    if found.scale:
        parts.append(f"Scale {found.scale}, {found.experiment}; number format: {found.precision}.")
    parts += [f"{beside[0].upper()}{beside[1:]}." for beside in _beside(found)]
    if item.claim.stated_by == "ours":
        parts.append("The form of the claim is ours.")
    if item.claim.primary:
        parts.append("A primary claim of its chapter, not corrected for others.")
    if found.registration:
        parts.append(_REGISTERED[found.registration])
    if found.stale:
        parts.append(f"Stale: {found.stale}.")
    return " ".join(parts)
