"""The style serves light and dark pages; intervals are t-intervals over seeds."""

from __future__ import annotations

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.colors import to_rgb
from scipy import stats

from gptrepro import plots


def _luminance(color: str) -> float:
    channels = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(color)]
    return float(np.dot([0.2126, 0.7152, 0.0722], channels))


@pytest.mark.parametrize("color", [plots.OURS, plots.PAPER, plots.THIRD, plots.FOURTH, plots.INK])
@pytest.mark.parametrize("ground", ["#ffffff", "#121212"])
def test_colours_keep_a_contrast_of_three_on_both_grounds(color, ground):
    high, low = sorted((_luminance(color), _luminance(ground)), reverse=True)
    assert (high + 0.05) / (low + 0.05) >= 3.0


def test_band_is_the_t_interval_and_one_seed_has_none():
    _, axes = plots.figure(title="t", x="tokens (millions)", y="nats")
    runs = [[1.0, 2.0], [2.0, 2.5], [3.0, 4.0]]
    plots.mean_with_interval(axes, [1, 2], runs, label="ours")
    (band,) = axes.collections
    low, high = stats.t.interval(0.95, 2, loc=2.0, scale=stats.sem([1.0, 2.0, 3.0]))
    corners = band.get_paths()[0].vertices
    heights = corners[corners[:, 0] == 1, 1]
    assert heights.min() == pytest.approx(low) and heights.max() == pytest.approx(high)
    assert axes.get_xlabel() and axes.get_ylabel()
    plots.mean_with_interval(axes, [1, 2], runs[:1], label="single")
    assert len(axes.collections) == 1
    assert [text.get_text() for text in axes.legend().get_texts()] == ["ours (3 seeds)", "single (1 seed)"]
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


def test_a_long_strip_of_tokens_keeps_both_ends_and_names_the_special_ones():
    _, axes = plt.subplots()
    tokens = [("<s>", "start"), *((f"t{i}", "text") for i in range(30)), ("<e>", "extract")]
    plots.token_strips(axes, [("a text", tokens)], width=10)
    written = [text.get_text() for text in axes.texts]
    assert written == ["start", "t0", "t1", "t2", "t3", "...", "t27", "t28", "t29", "extract"]
    assert len(axes.patches) == 10
    plt.close("all")


def test_shortened_strips_keep_every_special_token():
    question = [(f"q{i}", "text") for i in range(20)]
    answer = [(f"a{i}", "text") for i in range(6)]
    tokens = [("", "start"), *question, ("", "delimiter"), *answer, ("", "extract")]
    _, axes = plots.figure(title="t", x="", y="")
    plots.token_strips(axes, [("a question and its answer", tokens)], width=14)
    written = [text.get_text() for text in axes.texts]
    assert written == [
        "start",
        "q0",
        "q1",
        "...",
        "q18",
        "q19",
        "delimiter",
        "a0",
        "a1",
        "a2",
        "a3",
        "a4",
        "a5",
        "extract",
    ]
    plt.close("all")
