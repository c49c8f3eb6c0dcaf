"""A page's drawings: SVG written by code, in one style, that follows the page into the dark.

Ink is ``currentColor``. A colour is one of the book's mid-tones, full at the edge and faint in the area, so
that it is readable on white and on black. A drawing is at most `WIDEST` units wide, which a phone shows at
full size: no text is smaller there than it is here. What is wider is several drawings that stand side by side
where there is room.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape

from IPython.display import HTML

from gptrepro.plots import FOURTH, OURS, PAPER, THIRD

WIDEST = 340
"""Units, and pixels on a screen of 390."""

SIZE = 13
"""Height of letters."""

SMALL = 12
"""Height of letters of a note."""

COLOURS = {"attention": OURS, "norm": PAPER, "mlp": THIRD, "words": FOURTH, "plain": "currentColor"}
"""What a colour stands for, in every drawing."""


def _n(number: float) -> str:
    """A number as an attribute says it, the same on every machine."""
    return f"{round(number, 2):g}"


class Drawing:
    """Boxes, arrows and words at places in units, x to the right and y down."""

    def __init__(self, width: float, height: float) -> None:
        if width > WIDEST:
            raise ValueError(f"a drawing {width} units wide is too small to read on a phone: use several")
        self.width, self.height = width, height
        self._parts: list[str] = []

    def box(
        self,
        x: float,
        y: float,
        width: float,
        height: float,
        text: str = "",
        *,
        note: str = "",
        kind: str = "plain",
        lit: bool = False,
    ) -> None:
        """A box with a word in it and a note below the word; a lit one stands out."""
        self._parts.append(  # what lies below does not shine through
            f'<rect x="{_n(x)}" y="{_n(y)}" width="{_n(width)}" height="{_n(height)}" rx="3" '
            'fill="var(--pst-color-background, Canvas)"/>'
        )
        self.area(x, y, width, height, kind=kind, strength=0.35 if lit else 0.1, edge=2.5 if lit else 1)
        middle = x + width / 2
        if note:
            self.text(middle, y + height / 2 - 3, text, bold=lit)
            self.text(middle, y + height / 2 + 12, note, size=SMALL)
        else:
            self.text(middle, y + height / 2 + 4.5, text, bold=lit)

    def area(
        self,
        x: float,
        y: float,
        width: float,
        height: float,
        *,
        kind: str = "plain",
        strength: float = 0.1,
        edge: float = 1,
        dashed: bool = False,
    ) -> None:
        """A bare rectangle, filled with a strength from 0 to 1."""
        colour = COLOURS[kind]
        dash = ' stroke-dasharray="4 3"' if dashed else ""
        self._parts.append(
            f'<rect x="{_n(x)}" y="{_n(y)}" width="{_n(width)}" height="{_n(height)}" rx="3" fill="{colour}" '
            f'fill-opacity="{strength:.2f}" stroke="{colour}" stroke-width="{_n(edge)}"{dash}/>'
        )

    def text(
        self,
        x: float,
        y: float,
        text: str,
        *,
        size: float = SIZE,
        anchor: str = "middle",
        bold: bool = False,
    ) -> None:
        """A line of text that stands on y."""
        weight = ' font-weight="700"' if bold else ""
        self._parts.append(
            f'<text x="{_n(x)}" y="{_n(y)}" font-size="{_n(size)}" text-anchor="{anchor}" '
            f'fill="currentColor"{weight}>{escape(text)}</text>'
        )

    def line(
        self,
        points: Sequence[tuple[float, float]],
        *,
        kind: str = "plain",
        width: float = 1.3,
        opacity: float = 1.0,
        arrow: bool = False,
    ) -> None:
        """A line through points, with a head at its end where it is an arrow."""
        colour = COLOURS[kind]
        path = "M" + "L".join(f"{_n(x)} {_n(y)}" for x, y in points)
        self._parts.append(
            f'<path d="{path}" fill="none" stroke="{colour}" stroke-width="{_n(width)}" '
            f'stroke-opacity="{opacity:.2f}"/>'
        )
        if arrow:
            (x1, y1), (x2, y2) = points[-2:]
            turn = math.atan2(y2 - y1, x2 - x1)
            size = 5 + 1.5 * width
            corners = [(x2, y2)] + [
                (x2 - size * math.cos(turn + side), y2 - size * math.sin(turn + side))
                for side in (0.45, -0.45)
            ]
            shape = " ".join(f"{x:.1f},{y:.1f}" for x, y in corners)
            self._parts.append(f'<polygon points="{shape}" fill="{colour}" fill-opacity="{opacity:.2f}"/>')

    def plus(self, x: float, y: float) -> None:
        """An addition: a plus in a circle."""
        self._parts.append(
            f'<circle cx="{_n(x)}" cy="{_n(y)}" r="9" fill="var(--pst-color-background, Canvas)" '
            'stroke="currentColor" stroke-width="1.3"/>'
        )
        self.text(x, y + 4.5, "+")

    def svg(self, alt: str) -> str:
        """The drawing as an element; ``alt`` says it in words."""
        return (
            f'<svg viewBox="0 0 {self.width:g} {self.height:g}" style="width:100%;max-width:'
            f'{1.25 * self.width:g}px" role="img" aria-label="{escape(alt)}">{"".join(self._parts)}</svg>'
        )


def shown(*drawings: tuple[Drawing, str], caption: str) -> HTML:
    """Drawings, each with its words for who cannot see, side by side where there is room."""
    parts = "".join(
        f'<div style="flex:1 1 {drawing.width:g}px;max-width:{1.25 * drawing.width:g}px">{drawing.svg(alt)}'
        "</div>"
        for drawing, alt in drawings
    )
    return HTML(  # type: ignore[no-untyped-call]
        '<figure class="diagram" style="margin:0"><div style="display:flex;flex-wrap:wrap;gap:0.5rem 1rem">'
        f"{parts}</div><figcaption>{escape(caption)}</figcaption></figure>"
    )
