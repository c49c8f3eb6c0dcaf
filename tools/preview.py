"""Draws ``book/_static/preview.png``, which goes with a shared link: ``python tools/preview.py``."""

from __future__ import annotations

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

from gptrepro import plots

TARGET = Path(__file__).resolve().parent.parent / "book" / "_static" / "preview.png"
INCHES, DOTS = (12.0, 6.3), 100  # 1200 x 630 pixels, what previews are cut to
LENGTH, WINDOW = 14, 4
GROUND, TEXT = "#12181b", "#eef2f3"


def main() -> None:
    """Draw the title beside causal attention: what one position sees, in colours for dense and banded."""
    plots.use_style()
    plt.rcParams["savefig.bbox"] = "standard"  # the page's figures are cut to what is drawn
    fig = plt.figure(figsize=INCHES, dpi=DOTS, facecolor=GROUND)
    axes = fig.add_axes((0.57, 0.1, 0.4, 0.8))
    for query, key in np.argwhere(np.tri(LENGTH, dtype=bool)):
        colour = plots.PAPER if query - key < WINDOW else plots.OURS
        axes.add_patch(plt.Rectangle((key, -query), 0.84, 0.84, color=colour, linewidth=0))
    axes.set(xlim=(0, LENGTH), ylim=(1 - LENGTH, 1), aspect="equal")
    axes.axis("off")
    fig.text(0.06, 0.6, "GPT, reproduced", fontsize=42, fontweight="bold", color=TEXT)
    fig.text(
        0.06,
        0.34,
        "GPT-1, GPT-2 and GPT-3:\nevery claim beside\nwhat our code measured",
        fontsize=24,
        color=TEXT,
        linespacing=1.35,
    )
    fig.savefig(TARGET, dpi=DOTS, facecolor=GROUND)
    print(f"{TARGET.name}: {TARGET.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
