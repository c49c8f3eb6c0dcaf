"""The verdicts at a glance: a row for each tested claim, a bar for each paper, in HTML that fits a phone."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from html import escape

from gptrepro.claims.cards import TONES
from gptrepro.claims.ledger import JudgedClaim, ends
from gptrepro.claims.tables import PAPERS, TITLES, counts_by_paper
from gptrepro.claims.trial import Trial
from gptrepro.evaluate.statistics import Estimate

REACH = 6.0
"""How far the axis of the forest goes to either side; what lies farther is an arrow at its end."""


def forest(judged: Sequence[JudgedClaim], *, notebooks: str) -> str:
    """Every claim that an experiment tried, a row each that links to its card: how far the effect lies beyond
    what the claim needs, with its interval, in units of the smallest effect that the test could see.

    Args:
        judged: claims; those that no experiment tried are left out.
        notebooks: the way from the page to the folder of notebooks, such as ``../``.
    """
    tried, (held, denied, left) = [item for item in judged if item.tried], ends(judged)
    head = (
        f"<b>{len(tried)} claims put to an experiment: {held} held, {denied} did not, {left} could not be "
        "told.</b>"
    )
    groups = []
    for paper in PAPERS:
        if rows := [item for item in tried if item.claim.paper == paper]:
            lines = "\n".join(f"<li>{_row(item, notebooks)}</li>" for item in rows)
            groups.append(f'<p class="forest-paper">{TITLES[paper]}</p>\n<ul>\n{lines}\n</ul>')
    axis = (
        '<p class="forest-axis"><span>\N{LEFTWARDS ARROW} fails</span>'
        "<span>holds \N{RIGHTWARDS ARROW}</span></p>"
    )
    caption = (
        "The line is what each claim needed, stated before its run. A dot is the mean effect, a bar its "
        "interval, in units of the smallest effect that the test could see; an arrow "
        "lies beyond six of them. A hollow dot decides nothing: its scores are at chance, or its run failed "
        "its own check. "
        "<em>Could not be told</em> counts those and the intervals that include the line."
    )
    return (
        f'<figure class="forest">\n<p class="forest-head">{head}</p>\n{axis}\n'
        + "\n".join(groups)
        + f"\n<figcaption>{caption}</figcaption>\n</figure>"
    )


def _row(item: JudgedClaim, notebooks: str) -> str:
    claim, found = item.claim, item.judgement
    name = claim.short or claim.statement
    place = f"{notebooks}{claim.chapter or 'ledger/scoreboard'}.html#{item.anchor}"
    return (
        f'<a class="forest-row forest-{TONES[found.verdict]}" href="{escape(place)}">'
        f'<span class="forest-name">{escape(name)}</span>{_strip(item)}'
        f'<span class="forest-verdict">{found.verdict}</span></a>'
    )


def _strip(item: JudgedClaim) -> str:
    """The effect and its interval on the axis, as an SVG that takes the width it is given."""
    ends = beyond_the_bound(item)
    marks = ['<line class="forest-zero" x1="50%" x2="50%" y1="0" y2="18" />']
    if ends is not None:
        low, middle, high = ends
        if max(low, -REACH) < min(high, REACH):
            left, right = _percent(max(low, -REACH)), _percent(min(high, REACH))
            marks.append(f'<rect x="{left:.1f}%" width="{right - left:.1f}%" y="6" height="6" />')
        if abs(middle) <= REACH:
            marks.append(f'<circle cx="{_percent(middle):.1f}%" cy="9" r="4.5" />')
        else:
            side = math.copysign(1, middle)
            marks.append(
                f'<svg x="{_percent(side * REACH):.1f}%" overflow="visible"><path d="M{-5 * side:.0f},3 '
                f'L{4 * side:.0f},9 L{-5 * side:.0f},15 Z" /></svg>'
            )
    decides = "" if item.judgement.trial is not None else " forest-undecided"
    return f'<svg class="forest-strip{decides}" height="18" aria-hidden="true">{"".join(marks)}</svg>'


def _percent(place: float) -> float:
    return 50 + 48 * place / REACH


def beyond_the_bound(item: JudgedClaim) -> tuple[float, float, float] | None:
    """Low end, mean and high end of how far the effect lies beyond what the claim needs, in units of the
    smallest effect that the test could see; of a claim in several parts, of the part that it hangs on.

    None where too few seeds or items ran for an interval.
    """
    found, given = item.judgement, item.claim.rule.arguments if item.claim.rule else {}
    if found.interval is None or not found.mde:
        return None
    if found.trial is None:  # chance or a failed check decides: what the rule asks for is still a bound
        bound = float(given.get("minimum", 0.0))
        low, high = found.interval
        return tuple((end - bound) / found.mde for end in (low, found.size or 0.0, high))  # type: ignore[return-value]
    level = found.level or 0.0
    parts = []
    for estimate, bound, sign in _parts(found.trial):
        low, high = sorted(sign * (end - bound) for end in estimate.interval(level))
        unit = estimate.visible(level) or 1.0
        parts.append((low / unit, sign * (estimate.mean - bound) / unit, high / unit))
    return min(parts, key=lambda part: part[1])


def _parts(trial: Trial) -> Iterator[tuple[Estimate, float, int]]:
    """What must hold: an estimate, its bound, and the side on which the claim says that it lies."""
    yield trial.effect, trial.least, 1
    if math.isfinite(trial.most):
        yield trial.effect, trial.most, -1
    for gain in trial.steps.values():
        yield gain, -trial.loss, 1


def bars(judged: Sequence[JudgedClaim]) -> str:
    """What came of the papers' own claims that experiments tried: a table with a bar for each paper."""
    rows = []
    for row in counts_by_paper(judged).to_dict("records"):
        if row["paper"] == TITLES["kaplan"]:
            continue
        tried = row["tried by experiment"]
        parts = {
            "good": (row["held"], "held"),
            "bad": (row["not replicated, or smaller"], "did not"),
            "part": (row["undecided or void"], "could not be told"),
        }
        words = ", ".join(f"{count} {what}" for count, what in parts.values() if count)
        pieces = "".join(
            f'<span class="bar-{tone}" style="flex-grow: {count}"></span>'
            for tone, (count, _) in parts.items()
            if count
        )
        words = words or "nothing trained yet; the model is built and counted"
        rows.append(
            f'<tr><th scope="row">{row["paper"]}</th><td class="bar-count">{tried} tested</td><td>'
            f'<div class="bar" aria-hidden="true">{pieces}</div>'
            f'<div class="bar-words">{words}</div></td></tr>'
        )
    caption = "Claims of the papers that a training here put to the test"
    return (
        f'<table class="bars"><caption>{caption}</caption>\n<tbody>\n'
        + "\n".join(rows)
        + "\n</tbody></table>"
    )


def finding(tone: str, title: str, text: str, link: str) -> str:
    """A box of the landing page: what came out, in two sentences, with a link to where."""
    return (
        f'<div class="finding finding-{tone}"><p class="finding-title">{escape(title)}</p>'
        f'<p>{escape(text)} <a href="{escape(link)}" aria-label="More: {escape(title)}">more</a></p></div>'
    )
