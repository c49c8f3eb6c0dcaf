"""Verdict cards: the one way in which pages show a claim, its verdict and what the verdict rests on."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any

from IPython.display import HTML

from gptrepro.claims.claim import TEXTS, Claim
from gptrepro.claims.judging import SIGNIFICANCE
from gptrepro.claims.ledger import JudgedClaim
from gptrepro.claims.settling import what_would_settle
from gptrepro.claims.tables import TITLES, digits_of, printed, text_of
from gptrepro.claims.verdict import SUPPORTED, Judgement, Registration, Verdict
from gptrepro.claims.wording import percent

TONES = {
    **dict.fromkeys((*SUPPORTED, Verdict.CONFIRMED), "good"),
    Verdict.AGREES: "built",
    **dict.fromkeys((Verdict.NOT_REPLICATED, Verdict.REFUTED), "bad"),
    **dict.fromkeys((Verdict.SMALLER, Verdict.INCONCLUSIVE, Verdict.PARTLY, Verdict.DEVIATES), "part"),
    **dict.fromkeys((Verdict.VOID, Verdict.NOT_RUN, Verdict.CITED), "quiet"),
}
"""The colour of a verdict; its word carries the meaning."""

FOLDED = {
    "agree": (Verdict.AGREES, Verdict.CONFIRMED),
    "are cited and not tested here": (Verdict.CITED,),
    "wait for their run": (Verdict.NOT_RUN,),
}
"""Verdicts that tell least: a chapter folds three cards or more of a kind into one line."""

_FEWEST = 3

_LONG = 110
"""Characters of numbers beyond which a card folds them away."""

_CODE = re.compile(r"`([^`]+)`")
_SUBSCRIPT = re.compile(r"\b(alpha|[A-Za-z])_(\w+)")


def show_claims(judged: Sequence[JudgedClaim], *, name: str) -> HTML:
    """The cards of a chapter: what was tested or found wanting stands open, groups that agree are folded.

    Args:
        judged: the claims, in the order in which they are shown.
        name: of the list, for a screen reader.
    """
    folded = {
        what: chosen
        for what, verdicts in FOLDED.items()
        if len(chosen := [each for each in judged if each.judgement.verdict in verdicts]) >= _FEWEST
    }
    hidden = {each.claim.id for chosen in folded.values() for each in chosen}
    parts = [card_list([each for each in judged if each.claim.id not in hidden], name=name)]
    for what, chosen in folded.items():
        first = chosen[0].judgement.verdict
        summary = f'<span class="verdict verdict-{TONES[first]}">{len(chosen)} of {len(judged)}</span> {what}'
        cards = card_list(chosen, name=f"{name}: {len(chosen)} {what}")
        parts.append(f'<details class="claims-folded"><summary>{summary}</summary>\n{cards}\n</details>')
    return HTML("\n".join(filter(None, parts)))  # type: ignore[no-untyped-call]


def card_list(judged: Sequence[JudgedClaim], *, name: str, short: bool = False) -> str:
    """Cards as an HTML list; ``short`` ones fold why the verdict is what it is. Empty without claims."""
    if not judged:
        return ""
    cards = "\n".join(_card(each, short=short) for each in judged)
    return f'<ul class="claims" aria-label="{escape(name)}">\n{cards}\n</ul>'


def badge(found: Judgement) -> str:
    """The verdict as a coloured word, and a mark where its record or its rule is not what it was."""
    html = f'<span class="verdict verdict-{TONES[found.verdict]}">{found.verdict}</span>'
    if found.stale:
        html += ' <span class="badge-stale">stale</span>'
    if found.registration == "amended after the run":
        html += ' <span class="badge-stale">rule amended</span>'
    return html


def _card(item: JudgedClaim, *, short: bool) -> str:
    claim, found = item.claim, item.judgement
    why = [f"<p>{_prose(found.reason)}</p>"] if found.reason else []
    if settles := what_would_settle(item):
        why.append(f"<p><b>What would settle it:</b> {_prose(settles)}</p>")
    details = "".join(f"<p>{_prose(line)}</p>" for line in _details(item))
    if claim.chapter and short:
        details += f'<p><a href="../{escape(claim.chapter)}.html#{item.anchor}">In its chapter</a></p>'
    if short:
        tail = _folded("why", "".join(why) + details)
    else:
        tail = f'<div class="claim-why">{"".join(why)}</div>' + _folded("details", details)
    return (
        f'<li class="claim claim-{TONES[found.verdict]}" id="{item.anchor}" data-paper="{claim.paper}" '
        f'data-title="{TITLES.get(claim.paper, claim.paper)}" '
        f'data-verdict="{str(found.verdict).replace(" ", "-")}" data-basis="{item.basis.replace(" ", "-")}">'
        f'<div class="claim-verdict">{badge(found)}</div><div class="claim-body">'
        f'<p class="claim-says">{_prose(claim.statement)} '
        f'<span class="claim-where">{_where(claim)}</span></p>'
        f"{_numbers(item)}{tail}</div></li>"
    )


def _where(claim: Claim) -> str:
    named = claim.paper in (*TEXTS, "background")  # whose places name their paper themselves
    return escape(claim.where if named else f"{TITLES[claim.paper]}, {claim.where}")


def _folded(summary: str, html: str) -> str:
    return f"<details><summary>{summary}</summary>{html}</details>" if html else ""


def _prose(text: str) -> str:
    """A sentence as HTML: commands between backticks, and subscripts of the papers' symbols."""
    text = _CODE.sub(r"<code>\1</code>", escape(text))
    return _SUBSCRIPT.sub(lambda found: f"{found[1]}<sub>{found[2].replace('_', ', ')}</sub>", text)


def _numbers(item: JudgedClaim) -> str:
    """The numbers of a card: of a test both sides and its margin, of a comparison what is said and found."""
    found = item.judgement
    if found.compared:
        lines = [_sides(item), _margin(item)]
    else:
        said, here = printed(item.claim), text_of(_what_was_asked(item), item.claim)
        name = "said" if item.claim.paper in TEXTS else "printed"
        same = said == here and bool(said)
        pairs = [("printed and found", said)] if same else [(name, said), ("we find", here)]
        lines = [f"<b>{what}</b> {_value(text)}" for what, text in pairs if text]
    html = "".join(f"<p>{line}</p>" for line in lines if line)
    return f'<div class="claim-numbers">{html}</div>' if html else ""


def _sides(item: JudgedClaim) -> str:
    found = item.judgement
    sides = " · ".join(f"{escape(name)} <b>{mean:.2f}</b>" for name, mean in found.compared.items())
    unit = found.unit or item.claim.unit
    return f"{sides} {escape(unit)}" if unit else sides


def _margin(item: JudgedClaim) -> str:
    """The effect with its interval, beside what the rule asks for."""
    found = item.judgement
    if found.effect is None or found.interval is None:
        return ""
    digits = digits_of(found.interval)
    low, high = (f"{end:+.{digits}f}" for end in found.interval)
    text = f"{escape(found.effect)} <b>{found.size:+.{digits}f}</b> [{low}, {high}]"
    if item.claim.rule is not None:
        text += f"; needed: {needed(item.claim)}"
    return f"{text}; {found.n} {_units(found)}".replace("-", "\N{MINUS SIGN}")


def needed(claim: Claim) -> str:
    """What the rule of a trained claim asks of the effect, as it was stated before the run."""
    given = claim.rule.arguments if claim.rule else {}
    if "margin" in given:
        return f"between -{given['margin']:g} and +{given['margin']:g}"
    text = f"more than {given.get('minimum', 0):g}"
    return f"{text}, no step below -{given['step_loss']:g}" if given.get("step_loss") is not None else text


def _value(text: str) -> str:
    """A value; a long one is folded."""
    if len(text) <= _LONG:
        return _prose(text)
    count = text.count(": ") or text.count(", ") + 1
    return _folded(f"all {count}", f" {_prose(text)}")


def _what_was_asked(item: JudgedClaim) -> Any:
    """The parts of a measurement that the claim has too; all of it where the claim only says yes or no."""
    published, found = item.claim.published, item.judgement.measured
    if not isinstance(published, Mapping) or not isinstance(found, Mapping):
        return found
    if all(isinstance(value, bool) for value in published.values()):
        return found
    return {key: found[key] for key in published if key in found} or found


def _units(found: Judgement) -> str:
    return "seeds" if found.seeds else "items"


_REGISTERED: dict[Registration, str] = {
    "stated before the run": "The rule is the one that the runs began under.",
    "amended after the run": "The rule was amended after the runs had begun.",
    "not recorded": "Whether the rule was stated before the runs is not recorded.",
}


def _details(item: JudgedClaim) -> Iterable[str]:
    """What a second look asks for: the test, the record, the registration, the claim's name."""
    claim, found = item.claim, item.judgement
    if found.mde is not None:
        p_value = "" if found.p_value is None else f", {_p_value(found)}"
        digits = digits_of(found.interval or (found.mde, found.mde))
        yield (
            f"{percent(1 - 2 * (found.level or 0.0))} interval{p_value}; smallest {found.effect} that the "
            f"test could have seen: {found.mde:.{digits}f}."
        )
    if found.compared and printed(claim):
        yield f"The paper prints: {printed(claim)}."
    if found.scale:
        yield f"Scale {found.scale}, {found.experiment}; number format: {found.precision}."
    yield from _beside(found)
    if claim.stated_by == "ours":
        yield "The form of the claim is ours."
    if claim.primary:
        yield "A primary claim of its chapter, not corrected for others."
    if found.registration:
        yield _REGISTERED[found.registration]
    if found.stale:
        yield f"Stale: {found.stale}."
    yield f"In the ledger: {claim.id}."


def _p_value(found: Judgement) -> str:
    """The one-sided p-value that compares with 5%, and what it was corrected for."""
    p_value = found.p_value or 0.0
    p = "p < 0.001" if p_value < 0.001 else f"p = {p_value:.3f}"
    return p if found.level == SIGNIFICANCE else f"{p} after Holm's correction"


def _beside(found: Judgement) -> Iterable[str]:
    """What the scales say that do not decide, the larger first."""
    for other in found.beside:
        digits = digits_of(other.interval or (other.size, other.size))
        text = f"At {other.scale}: {found.effect} {other.size:.{digits}f}"
        if other.interval is not None:
            low, high = other.interval
            text += f" ({low:.{digits}f} to {high:.{digits}f})"
        yield f"{text}, n = {other.n} {_units(found)}."
