"""The book's one visual style: quiet axes on a transparent ground, readable on white and on black.

Colours are those of Okabe and Ito (2008), told apart by the colour-blind, in their mid-tones, which
keep a contrast of at least 3:1 on both grounds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from operator import itemgetter
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from cycler import cycler
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap, to_rgba
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import NDArray
from scipy import stats

OURS = "#0d7fc4"
PAPER = "#c8611a"
THIRD = "#159a73"
FOURTH = "#b8609a"
INK = "#7a7f87"
"""Text and axes: a grey that is readable on either ground."""

STYLE: Any = {
    "figure.figsize": (7.0, 4.0),
    "figure.dpi": 110,
    "figure.facecolor": "none",
    "savefig.facecolor": "none",
    "savefig.bbox": "tight",
    "axes.facecolor": "none",
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "axes.titlecolor": INK,
    "axes.titlesize": 11,
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.prop_cycle": cycler(color=[OURS, PAPER, THIRD, FOURTH]),
    "grid.color": INK,
    "grid.alpha": 0.25,
    "grid.linewidth": 0.6,
    "xtick.color": INK,
    "ytick.color": INK,
    "text.color": INK,
    "font.size": 10,
    "legend.frameon": False,
    "legend.labelcolor": INK,
    "lines.linewidth": 1.8,
}


def use_style() -> None:
    """Draw in the book's style from here on."""
    plt.rcParams.update(STYLE)


def figure(*, title: str, x: str, y: str) -> tuple[Figure, Axes]:
    """A figure with one labelled axes; ``x`` and ``y`` name the quantity and its unit."""
    use_style()
    fig, axes = plt.subplots()
    axes.set(title=title, xlabel=x, ylabel=y)
    return fig, axes


def mean_with_interval(
    axes: Axes, x: Sequence[float], runs: Sequence[Sequence[float]], *, label: str, color: str = OURS
) -> None:
    """Draw the mean over seeds and its 95% t-interval.

    Args:
        axes: where to draw.
        x: (P,) positions.
        runs: (S, P) one row a seed; with a single seed no interval is drawn.
        label: for the legend; the number of seeds is added.
        color: of line and band.
    """
    values = np.asarray(runs, dtype=float)  # (S, P)
    seeds = values.shape[0]
    mean = values.mean(axis=0)
    plural = "s" if seeds != 1 else ""
    axes.plot(x, mean, marker="o", markersize=4, color=color, label=f"{label} ({seeds} seed{plural})")
    if seeds > 1:
        half = _half_interval(values)
        axes.fill_between(x, mean - half, mean + half, color=color, alpha=0.25, linewidth=0)


def _half_interval(values: NDArray[np.floating]) -> Any:
    """Half of the 95% t-interval of the mean over the first axis, which has two values or more."""
    return stats.t.ppf(0.975, len(values) - 1) * stats.sem(values, axis=0)


def paper_value(axes: Axes, value: float, *, label: str) -> None:
    """Draw the paper's value as a horizontal line on the same axes."""
    axes.axhline(value, color=PAPER, linestyle="--", linewidth=1.4, label=label)


def scores_by_task(axes: Axes, tasks: Sequence[str], arms: Mapping[str, Sequence[Sequence[float]]]) -> None:
    """Draw the mean score of each arm on each task, a row a task, with its 95% t-interval over seeds.

    Args:
        axes: where to draw; scores along x.
        tasks: the T names, from the top.
        arms: for each arm, T lists of a score a seed; of a single score the interval is left out.
    """
    places = np.arange(len(tasks), dtype=float)
    colors = [OURS, PAPER, THIRD, FOURTH, INK]
    for number, (arm, of_tasks) in enumerate(arms.items()):
        offset = 0.6 * ((number + 0.5) / len(arms) - 0.5)
        means = [float(np.mean(scores)) for scores in of_tasks]
        halves = [_half_interval(np.asarray(scores)) if len(scores) > 1 else 0.0 for scores in of_tasks]
        axes.errorbar(
            means, places + offset, xerr=halves, fmt="os^Dv"[number % 5], color=colors[number % 5], label=arm
        )
    axes.set_yticks(places, tasks)
    axes.invert_yaxis()


def token_strips(
    axes: Axes, strips: Sequence[tuple[str, Sequence[tuple[str, str]]]], width: int = 16
) -> None:
    """Draw sequences token by token, a box each, the special ones in colour.

    Args:
        axes: where to draw; it loses its frame.
        strips: a name and the tokens of each sequence, every token with its role: ``text``, or a special
            token's own name, which is written into its box.
        width: the most boxes that are drawn; of a longer sequence the middles of its texts are left out.
    """
    colors = {"text": INK, "start": OURS, "delimiter": FOURTH, "extract": PAPER}
    for row, (_, tokens) in enumerate(strips):
        for column, (token, role) in enumerate(_shortened(tokens, width)):
            special = role != "text"
            axes.add_patch(
                Rectangle(
                    (column + 0.04, row - 0.38),
                    0.92,
                    0.76,
                    facecolor=to_rgba(colors[role], 0.3 if special else 0.08),
                    edgecolor=colors[role],
                )
            )
            axes.text(
                column + 0.5,
                row,
                role if special else token,
                ha="center",
                va="center",
                fontsize=6.5,
                clip_on=True,
            )
    axes.set(xlim=(0, width), ylim=(len(strips) - 0.5, -0.5), xticks=[])
    axes.set_yticks(range(len(strips)), [name for name, _ in strips])
    axes.grid(visible=False)
    for side in ("left", "bottom"):
        axes.spines[side].set_visible(False)
    axes.tick_params(length=0)


def _shortened(tokens: Sequence[tuple[str, str]], width: int) -> list[tuple[str, str]]:
    """At most ``width`` of the tokens: all special ones, and the ends of the longest texts between them."""
    stretches = [list(stretch) for _, stretch in groupby(tokens, key=itemgetter(1))]
    room = [len(stretch) for stretch in stretches]
    while sum(room) > width:
        room[room.index(max(room))] -= 1
    kept: list[tuple[str, str]] = []
    for stretch, most in zip(stretches, room, strict=True):
        left = most // 2
        kept += (
            stretch
            if len(stretch) <= most
            else [*stretch[:left], ("...", "text"), *stretch[len(stretch) - (most - left - 1) :]]
        )
    return kept


def attention_map(
    axes: Axes, weights: Sequence[Sequence[float]], *, read: Sequence[str], written: Sequence[str]
) -> None:
    """Draw attention weights, from the bare ground for 0 to full colour for 1.

    Args:
        axes: where to draw.
        weights: (T, S) a row a written symbol, a column a symbol that is read.
        read: the S labels of the columns, put on top.
        written: the T labels of the rows.
    """
    shade = LinearSegmentedColormap.from_list("attention", [to_rgba(OURS, 0.0), to_rgba(OURS, 1.0)])
    axes.imshow(np.asarray(weights), cmap=shade, vmin=0.0, vmax=1.0)
    axes.set_xticks(range(len(read)), read)
    axes.set_yticks(range(len(written)), written)
    axes.xaxis.tick_top()
    axes.tick_params(length=0)
    axes.grid(visible=False)
