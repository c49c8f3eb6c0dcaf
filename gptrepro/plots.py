"""The book's one visual style: SVG on a transparent ground, readable on white and on black, and on a phone.

A figure is drawn as wide as a phone shows it, with text that stays readable there. Colours are
those of Okabe and Ito (2008), told apart by the colour-blind, in mid-tones that keep a contrast of at least
3:1 on both grounds; the pages replace them by a darker or a lighter tone (`gptrepro.book.figures`).
One model, and one arm of an experiment, has one colour in the whole book.
"""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from decimal import Decimal
from itertools import pairwise
from operator import itemgetter
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from cycler import cycler
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap, to_hex, to_rgba
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogFormatterMathtext, LogLocator, NullFormatter
from matplotlib_inline.backend_inline import set_matplotlib_formats
from numpy.typing import NDArray
from scipy import stats

OURS = "#0d7fc4"
PAPER = "#c8611a"
THIRD = "#159a73"
FOURTH = "#b8609a"
INK = "#7a7f87"
"""Text and axes: a grey that is readable on either ground."""

TRANSFORMER = OURS
"""A Transformer, a GPT, and what is pre-trained."""
LSTM = THIRD
"""An LSTM, with attention where it has some; and what goes without one part of the recipe."""
ONE_VECTOR = SCRATCH = FOURTH
"""An encoder-decoder with one vector; a network from scratch."""
COUNTING = INK
"""What is no neural network: counting, words, a constant answer."""

SMALL = 12
"""Size of labels, in points: on a phone 11 pixels."""

WIDTH = 5.2
"""Of a figure, in inches: 374 points, of which a phone shows about 350 pixels."""

STYLE: Any = {
    "figure.figsize": (WIDTH, 3.7),
    "figure.constrained_layout.use": True,
    "figure.facecolor": "none",
    "savefig.facecolor": "none",
    "svg.fonttype": "none",
    "svg.hashsalt": "gptrepro",
    "axes.facecolor": "none",
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "axes.titlecolor": INK,
    "axes.titlesize": 13.5,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.titlepad": 6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.prop_cycle": cycler(color=[OURS, THIRD, FOURTH, PAPER]),
    "grid.color": INK,
    "grid.alpha": 0.25,
    "grid.linewidth": 0.6,
    "xtick.color": INK,
    "ytick.color": INK,
    "text.color": INK,
    "font.size": 12.5,
    "image.interpolation": "none",
    "image.composite_image": False,
    "legend.frameon": False,
    "legend.labelcolor": INK,
    "lines.linewidth": 1.8,
}

_TITLE = 40
"""Characters of a title's line."""


def use_style() -> None:
    """Draw in the book's style from here on."""
    plt.rcParams.update(STYLE)
    show_as: Any = set_matplotlib_formats
    show_as("svg", bbox_inches=None, metadata={"Date": None, "Creator": None})


def figure(*, title: str, x: str, y: str, height: float = 3.7) -> tuple[Figure, Axes]:
    """A figure with one labelled axes.

    Args:
        title: what one should see in it.
        x: quantity and unit.
        y: the same of the other axis; it stands above the axis, where it is read without turning the head.
        height: in inches.
    """
    use_style()
    fig, axes = plt.subplots(figsize=(WIDTH, height))
    _entitle(fig, title)
    axes.set(xlabel=x)
    axes.set_title(y, fontsize=SMALL, fontweight="normal")
    return fig, axes


def panels(
    rows: int, columns: int = 1, *, title: str = "", height: float = 2.6, **how: Any
) -> tuple[Figure, Any]:
    """A figure with several axes, (rows, columns), each row ``height`` inches high.

    Args:
        rows: of axes.
        columns: of axes.
        title: what one should see in it.
        height: of a row, in inches.
        how: further arguments of `matplotlib.pyplot.subplots`.
    """
    use_style()
    fig, axes = plt.subplots(rows, columns, figsize=(WIDTH, height * rows), **how)
    if title:
        _entitle(fig, title)
    return fig, axes


def _entitle(fig: Figure, title: str) -> None:
    lines = "\n".join(textwrap.wrap(title, _TITLE))
    fig.suptitle(lines, x=0.0, ha="left", fontsize=13.5, fontweight="bold")


def label_lines(axes: Axes, *, width: int = 17) -> None:
    """Write each line's label at its right end, in its colour; labels that would overlap move apart.

    Args:
        axes: whose lines and error bars have labels; ones without a right end of their own (a vertical line)
            are labelled at their top.
        width: characters after which a label is broken.
    """
    plain_ticks(axes)
    fig: Any = axes.figure
    fig.draw_without_rendering()
    box, points = axes.get_window_extent(), 72 / fig.dpi
    named = [line for line in axes.get_lines() if not str(line.get_label()).startswith("_")]
    ends: list[tuple[float, str, str]] = []
    for line in named:
        text, color = textwrap.fill(str(line.get_label()), width), to_hex(line.get_color())
        x, y = (np.asarray(each, dtype=float) for each in line.get_data())
        how: Any = {"textcoords": "offset points", "color": color, "fontsize": SMALL}
        if len(x) == 2 and x[0] == x[1]:
            across = axes.get_xaxis_transform()
            axes.annotate(text, (x[0], 1), (4, -2), xycoords=across, va="top", **how)
        else:
            level = line.get_transform() == axes.get_yaxis_transform()  # over the whole width
            shown = np.isfinite(y) if level else np.isfinite(y) & (x <= axes.get_xlim()[1])
            place = axes.transData.transform((axes.get_xlim()[1], y[shown][-1]))[1]
            ends.append((float(np.clip(place, box.y0, box.y1)) * points, text, color))
    ends.sort(key=itemgetter(0))
    heights = [1.25 * SMALL * (text.count("\n") + 1) + 2 for _, text, _ in ends]
    for place, (_, text, color) in zip(_apart([end[0] for end in ends], heights), ends, strict=True):
        at = (1, (place / points - box.y0) / box.height)
        how = {"textcoords": "offset points", "color": color, "fontsize": SMALL}
        axes.annotate(text, at, (6, 0), xycoords="axes fraction", va="center", **how)


def plain_ticks(axes: Axes) -> None:
    """Write the ticks of a log scale as numbers: a small exponent is too small for a phone."""
    for axis in (axes.xaxis, axes.yaxis):
        if isinstance(axis.get_major_formatter(), LogFormatterMathtext):
            low, high = axis.get_view_interval()
            if high / low < 100:  # a decade or two: ticks within them
                axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
            axis.set_major_formatter(FuncFormatter(lambda value, _: _plain(value)))
            axis.set_minor_formatter(NullFormatter())


def _plain(value: float) -> str:
    """A tick in digits, in millions (M) or in billions (B).

    >>> _plain(1e-5), _plain(1000.0), _plain(3e9)
    ('0.00001', '1,000', '3B')
    """
    for size, unit in ((1e9, "B"), (1e6, "M")):
        if abs(value) >= size:
            return f"{value / size:,g}{unit}"
    return f"{Decimal(f'{value:.6g}'):,f}"


def _apart(places: Sequence[float], sizes: Sequence[float]) -> list[float]:
    """Ascending centres of labels, moved as little as keeps them apart: a group shares its shift."""
    groups: list[list[int]] = []
    centre = list(places)
    for i in range(len(centre)):
        groups.append([i])
        while len(groups) > 1:
            last, before = groups[-1], groups[-2]
            gap = (sizes[last[0]] + sizes[before[-1]]) / 2
            if centre[last[0]] - centre[before[-1]] >= gap - 1e-9:
                break
            groups[-2:] = [before + last]
            merged = groups[-1]
            gaps = [(sizes[low] + sizes[high]) / 2 for low, high in pairwise(merged)]
            offsets = np.cumsum([0.0, *gaps])
            start = float(np.mean([places[k] for k in merged] - offsets))
            for k, offset in zip(merged, offsets, strict=True):
                centre[k] = start + float(offset)
    return centre


def mean_with_interval(
    axes: Axes, x: Sequence[float], runs: Sequence[Sequence[float]], *, label: str, color: str = OURS
) -> None:
    """Draw the mean over seeds and its 95% t-interval.

    Args:
        axes: where to draw.
        x: (P,) positions.
        runs: (S, P) one row a seed; with a single seed no interval is drawn.
        label: of the line.
        color: of line and band.
    """
    values = np.asarray(runs, dtype=float)  # (S, P)
    seeds = values.shape[0]
    mean = values.mean(axis=0)
    axes.plot(x, mean, marker="o", markersize=4, color=color, label=label)
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
    colors = [TRANSFORMER, SCRATCH, LSTM, COUNTING, PAPER]
    for number, (arm, of_tasks) in enumerate(arms.items()):
        offset = 0.6 * ((number + 0.5) / len(arms) - 0.5)
        means = [float(np.mean(scores)) for scores in of_tasks]
        halves = [_half_interval(np.asarray(scores)) if len(scores) > 1 else 0.0 for scores in of_tasks]
        axes.errorbar(
            means, places + offset, xerr=halves, fmt="os^Dv"[number % 5], color=colors[number % 5], label=arm
        )
    axes.set_yticks(places, tasks)
    axes.invert_yaxis()


SHADE = LinearSegmentedColormap.from_list("shade", [to_rgba(OURS, 0.0), to_rgba(OURS, 1.0)])
"""From the bare ground to full colour."""


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
    axes.imshow(np.asarray(weights), cmap=SHADE, vmin=0.0, vmax=1.0)
    axes.set_xticks(range(len(read)), read)
    axes.set_yticks(range(len(written)), written)
    axes.xaxis.tick_top()
    axes.tick_params(length=0)
    axes.grid(visible=False)
