"""What came out, for who has only the README before them: a table and a picture, written with the ledger."""

from __future__ import annotations

from html import escape

import pandas as pd

BEGIN = "<!-- What came out: written by `make refresh WHAT=ledger`, not by hand. -->"
END = "<!-- End of what came out. -->"
PICTURE = "book/_static/outcome.svg"

_COLOURS = {
    "held": "#2da44e",
    "not replicated, or smaller": "#cf222e",
    "undecided or void": "#d4a72c",
    "built or computed": "#218bff",
    "nothing yet, or cited": "#afb8c1",
}
"""Of the parts of a bar; text and bars are seen on white and on black."""


def table(counts: pd.DataFrame) -> str:
    """`counts_by_paper` as a Markdown table."""
    lines = [list(counts.columns), ["---", *["---:"] * (len(counts.columns) - 1)]]
    lines += [[str(value) for value in row] for row in counts.to_numpy().tolist()]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def picture(counts: pd.DataFrame) -> str:
    """`counts_by_paper` as an SVG: a bar for each paper, as long as it has claims."""
    scale = 520 / counts["claims"].max()
    text = 'font-family="sans-serif" font-size="13" fill="#7d8590"'
    parts = []
    for i, row in enumerate(counts.to_dict("records")):
        top = 8 + 28 * i
        known = [int(row[name]) for name in list(_COLOURS)[:-1]]
        parts.append(
            f'<text x="84" y="{top + 15}" text-anchor="end" {text}>{escape(str(row["paper"]))}</text>'
        )
        left = 92.0
        for colour, count in zip(_COLOURS.values(), [*known, int(row["claims"]) - sum(known)], strict=True):
            width = scale * count
            parts.append(f'<rect x="{left:.1f}" y="{top}" width="{width:.1f}" height="20" fill="{colour}"/>')
            left += width
    top = 20 + 28 * len(counts)
    for i, (name, colour) in enumerate(_COLOURS.items()):
        x, y = 92 + 190 * (i % 3), top + 22 * (i // 3)
        parts.append(f'<rect x="{x}" y="{y}" width="12" height="12" fill="{colour}"/>')
        parts.append(f'<text x="{x + 18}" y="{y + 11}" {text}>{name}</text>')
    height = top + 44
    title = "Claims of each paper, by what came of them"
    body = "\n".join(parts)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 680 {height}" width="680" role="img" '
        f'aria-label="{title}">\n<title>{title}</title>\n{body}\n</svg>\n'
    )


def with_outcome(readme: str, counts: pd.DataFrame, headline: str) -> str:
    """The README with what came out in its place."""
    before, _, rest = readme.partition(BEGIN)
    after = rest.partition(END)[2]
    shown = f"![Claims of each paper, by what came of them]({PICTURE})"
    return f"{before}{BEGIN}\n\n{headline}\n\n{shown}\n\n{table(counts)}\n\n{END}{after}"
