"""Blocks of a page that let a model write: the samples of a record, and the model itself.

Everything that the record holds stands in the page; ``book/_static/talk.js`` turns it into a slider, and
loads the model when it is asked for.
"""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from itertools import groupby

from IPython.display import HTML

from gptrepro.results import Record
from gptrepro.results.record import WrittenText

MODEL_SIZE = "0.3 MB"
"""Of ``book/_static/model.js``, as a reader is told before it is loaded."""

_SCRIPT = '<script defer src="../../_static/talk.js"></script>'


def _quote(each: WrittenText) -> str:
    """A prompt and what followed; what has no form, such as a control character, shows as missing."""
    prompt, text = (
        escape("".join(sign if sign.isprintable() or sign == "\n" else "\ufffd" for sign in part))
        for part in (each.prompt, each.text)
    )
    return f"<blockquote><strong>{prompt}</strong>{text}</blockquote>"


def show_samples(record: Record, told: Mapping[int, str], *, along: str = "tokens") -> HTML:
    """What a record's models wrote, one after the other; a slider where there are scripts.

    Args:
        record: one whose first run has kept texts.
        told: what is said of each model, by its place.
        along: the coordinate that tells the models apart, which is also what its numbers count: ``tokens``
            that were read, or ``parameters``.
    """
    figures = []
    for place, texts in groupby(record.runs[0].written, key=lambda each: each.coordinates[along]):
        read = escape(f"{place:,} {along}: {told[int(place)]}")
        quotes = "".join(map(_quote, texts))
        figures.append(f'<figure data-read="{read}"><figcaption>{read}</figcaption>{quotes}</figure>')
    return HTML(f'<div class="talk talk-stored">{"".join(figures)}</div>{_SCRIPT}')  # type: ignore[no-untyped-call]


def show_model(record: Record, prompt: str) -> HTML:
    """The model of ``book/_static/model.js``, which a button loads; without scripts, what it wrote last."""
    last = record.runs[0].written[-1]
    return HTML(  # type: ignore[no-untyped-call]
        f'<div class="talk talk-live" data-size="{MODEL_SIZE}" data-prompt="{escape(prompt)}">'
        f"<p>Where scripts run, the model writes here. This it wrote before:</p>{_quote(last)}</div>{_SCRIPT}"
    )
