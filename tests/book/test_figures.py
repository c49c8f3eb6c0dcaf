"""Drawn figures in their pages: named, in the colours of the page, with what they say left as it is."""

from __future__ import annotations

from gptrepro import plots
from gptrepro.book.figures import inline

DRAWN = f"""<?xml version="1.0" encoding="utf-8" standalone="no"?>
<!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN"
  "http://www.w3.org/Graphics/SVG/1.1/DTD/svg11.dtd">
<svg xmlns:xlink="http://www.w3.org/1999/xlink" width="374.4pt" height="266.4pt" viewBox="0 0 374.4 266.4">
 <metadata>matplotlib</metadata>
 <defs><style type="text/css">*{{stroke-linejoin: round}}</style></defs>
 <g id="figure_1"><path id="m3ac0beffa9" d="M 25.90649 227.398783" style="stroke: {plots.OURS}"/>
 <text style="font-size: 12.5px; font-family: 'A', serif; fill: {plots.INK}">0.00012</text></g>
</svg>"""


def test_a_figure_is_named_and_its_colours_are_the_pages():
    svg = inline(DRAWN, "A line &amp; more")
    assert svg.startswith(
        '<svg class="plot" role="img" aria-label="A line &amp; more" style="--width: 374.4"'
    )
    assert "stroke: var(--gpt-blue)" in svg and "fill: var(--gpt-ink)" in svg and "#" not in svg


def test_what_a_figure_says_stays_and_what_would_touch_the_page_goes():
    svg = inline(DRAWN, "")
    assert ">0.00012<" in svg and "M 25.90 227.39" in svg
    assert 'id="m3ac0beffa9"' in svg and "figure_1" not in svg
    for gone in ("<style", "<metadata", "<?xml", "font-family", "374.4pt"):
        assert gone not in svg
