"""The style serves light and dark pages; intervals are t-intervals over seeds."""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.colors import to_rgb
from scipy import stats

from gptrepro import plots
from gptrepro.book.figures import VARIABLES

ROOT = Path(__file__).parents[1]


def _luminance(color: str) -> float:
    channels = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(color)]
    return float(np.dot([0.2126, 0.7152, 0.0722], channels))


@pytest.mark.parametrize("color", [plots.OURS, plots.PAPER, plots.THIRD, plots.FOURTH, plots.INK])
@pytest.mark.parametrize("ground", ["#ffffff", "#121212"])
def test_colours_keep_a_contrast_of_three_on_both_grounds(color, ground):
    high, low = sorted((_luminance(color), _luminance(ground)), reverse=True)
    assert (high + 0.05) / (low + 0.05) >= 3.0


@pytest.mark.parametrize(("theme", "ground"), [("light", "#ffffff"), ("dark", "#121212")])
def test_the_pages_tones_are_readable_as_text(theme, ground):
    style = (ROOT / "book/_static/gptrepro.css").read_text(encoding="utf-8")
    tones = re.findall(r"--gpt-(ink|blue|orange|green|pink): (#[0-9a-f]{6});", style)
    assert len(tones) == 2 * len(VARIABLES) and {f"var(--gpt-{name})" for name, _ in tones} == {
        *VARIABLES.values()
    }
    for _, tone in tones[:5] if theme == "light" else tones[5:]:
        high, low = sorted((_luminance(tone), _luminance(ground)), reverse=True)
        assert (high + 0.05) / (low + 0.05) >= 4.5, tone


def test_labels_stand_at_the_ends_of_their_lines_and_do_not_overlap():
    fig, axes = plots.figure(title="t", x="x", y="y")
    for number, end in enumerate((1.0, 1.01, 1.02, 5.0)):
        axes.plot([0, 1], [0, end], label=f"line {number}")
    plots.paper_value(axes, 3.0, label="the paper's own value, in many words")
    axes.axvline(0.5, label="here")
    plots.label_lines(axes)
    fig.draw_without_rendering()
    labels = {text.get_text().replace("\n", " "): text for text in axes.texts}
    boxes = sorted((text.get_window_extent() for text in labels.values()), key=lambda box: box.y0)
    beside = [box for box in boxes if box.x0 >= axes.get_window_extent().x1]
    assert len(beside) == 5 and all(box.x1 <= fig.bbox.x1 for box in beside)
    assert all(low.y1 <= high.y0 + 1 for low, high in pairwise(beside))
    places = [labels[f"line {number}"].get_window_extent().y0 for number in range(4)]
    assert places == sorted(places)
    plt.close("all")


def test_ticks_of_a_log_scale_are_plain_numbers():
    fig, axes = plots.figure(title="t", x="x", y="y")
    axes.plot([1e-5, 1e-4], [1e6, 3e9], label="one")
    axes.set(xscale="log", yscale="log")
    plots.label_lines(axes)
    fig.draw_without_rendering()
    ticks = [label.get_text() for axis in (axes.xaxis, axes.yaxis) for label in axis.get_ticklabels()]
    assert {"0.00001", "0.0001", "1M", "1B"} <= set(ticks)
    plt.close("all")


def test_band_is_the_t_interval_and_one_seed_has_none():
    _, axes = plots.figure(title="t", x="tokens (millions)", y="nats")
    runs = [[1.0, 2.0], [2.0, 2.5], [3.0, 4.0]]
    plots.mean_with_interval(axes, [1, 2], runs, label="ours")
    (band,) = axes.collections
    low, high = stats.t.interval(0.95, 2, loc=2.0, scale=stats.sem([1.0, 2.0, 3.0]))
    corners = band.get_paths()[0].vertices
    heights = corners[corners[:, 0] == 1, 1]
    assert heights.min() == pytest.approx(low) and heights.max() == pytest.approx(high)
    assert axes.get_xlabel() == "tokens (millions)" and axes.get_title(loc="left") == "nats"
    plots.mean_with_interval(axes, [1, 2], runs[:1], label="single")
    assert len(axes.collections) == 1
    assert [text.get_text() for text in axes.legend().get_texts()] == ["ours", "single"]
    plt.close("all")


def test_an_attention_map_is_bare_at_zero_full_at_one_and_labelled_both_ways():
    _, axes = plt.subplots()
    plots.attention_map(axes, [[0.0, 1.0], [0.5, 0.5], [1.0, 0.0]], read="ab", written=["A", "B", "end"])
    (image,) = axes.images
    assert image.get_array().shape == (3, 2)
    assert image.to_rgba([0.0])[0, 3] == 0.0 and image.to_rgba([1.0])[0, 3] == 1.0
    assert [label.get_text() for label in axes.get_xticklabels()] == ["a", "b"]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["A", "B", "end"]


def test_scores_stand_in_a_row_a_task_with_the_interval_of_their_seeds():
    _, axes = plt.subplots()
    plots.scores_by_task(axes, ["one", "two"], {"ours": [[1.0, 2.0, 3.0], [5.0]], "theirs": [[4.0], [6.0]]})
    assert [label.get_text() for label in axes.get_yticklabels()] == ["one", "two"]
    assert axes.yaxis_inverted()
    ours, theirs = axes.containers
    assert list(ours[0].get_xdata()) == [2.0, 5.0] and list(theirs[0].get_xdata()) == [4.0, 6.0]
    (bars,) = ours[2]
    first, second = (segment[:, 0] for segment in bars.get_segments())
    assert first == pytest.approx(stats.t.interval(0.95, 2, loc=2.0, scale=stats.sem([1.0, 2.0, 3.0])))
    assert second[0] == second[1]
    plt.close("all")
