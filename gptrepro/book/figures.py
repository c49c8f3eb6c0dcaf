"""A Sphinx extension that sets drawn figures into their pages: their text can be selected, and their colours
follow the page's, in the light and in the dark.

An SVG that an `img` element shows knows nothing of the page around it. Those that matplotlib drew
(`gptrepro.plots`) take the place of their `img` here, with its alternative text, and name their colours by
the variables of the book's style sheet.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx

from gptrepro import plots

IMAGE = re.compile(r'<img\b[^>]*\bsrc="([^"]*/_images/[^"/]+\.svg)"[^>]*>')
ALT = re.compile(r'\balt="([^"]*)"')

VARIABLES = {
    plots.INK: "var(--gpt-ink)",
    plots.OURS: "var(--gpt-blue)",
    plots.PAPER: "var(--gpt-orange)",
    plots.THIRD: "var(--gpt-green)",
    plots.FOURTH: "var(--gpt-pink)",
}
"""The style sheet has a tone of each colour for either ground."""

_LEFT_OUT = re.compile(
    r"<\?xml[^>]*\?>|<!DOCTYPE[^>]*>|<metadata>.*?</metadata>|<style\b.*?</style>|font-family: [^;\"]*;? ?"
    r'| id="(?![mp][0-9a-f]{10}")[^"]*"',
    re.DOTALL,
)
"""What a page needs no second time; names that only shapes of the same figure refer to are kept."""

_ATTRIBUTE = re.compile(r'"[^"<>]*"')
_LONG_NUMBER = re.compile(r"(\d+\.\d\d)\d+")


def inline(svg: str, alt: str) -> str:
    """A figure of matplotlib's as an element of a page.

    Args:
        svg: the file.
        alt: the alternative text, as HTML.
    """
    svg = _ATTRIBUTE.sub(lambda found: _LONG_NUMBER.sub(r"\1", found[0]), _LEFT_OUT.sub("", svg))
    for colour, variable in VARIABLES.items():
        svg = svg.replace(colour, variable)
    size = re.search(r'viewBox="0 0 ([\d.]+) ', svg)
    width = f' style="--width: {size[1]}"' if size else ""
    return re.sub(
        r'<svg\b([^>]*?) width="[^"]*" height="[^"]*"',
        lambda found: f'<svg class="plot" role="img" aria-label="{alt}"{width}{found[1]}',
        svg.strip(),
        count=1,
    )


def set_into_pages(app: Sphinx, error: Exception | None) -> None:
    """Replace the pictures of all pages, once these are written."""
    if error is not None or app.builder.format != "html":
        return
    for page in Path(app.outdir).rglob("*.html"):
        text = page.read_text("utf-8")

        def figure(found: re.Match[str], page: Path = page) -> str:
            path = page.parent / found[1]
            svg = path.read_text("utf-8") if path.is_file() else ""
            alt = ALT.search(found[0])
            return inline(svg, alt[1] if alt else "") if "matplotlib" in svg else found[0]

        changed = IMAGE.sub(figure, text)
        if changed != text:
            page.write_text(changed, "utf-8")


def setup(app: Sphinx) -> dict[str, Any]:
    """Register with Sphinx."""
    app.connect("build-finished", set_into_pages, priority=400)  # before styles that no page uses are cut
    return {"parallel_read_safe": True, "parallel_write_safe": True}
