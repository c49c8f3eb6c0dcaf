"""Text out of pages: what no reader sees stays out, and the measure is the one that is counted by hand."""

from __future__ import annotations

import pytest

from gptrepro.experiments.gpt2.extraction import PAGE
from gptrepro.text.pages import f1, main_text, precision_and_recall, stripped


def test_stripping_keeps_all_that_is_seen_and_nothing_else() -> None:
    html = (
        "<head><title>t</title></head><body><script>var x = '<p>';</script><p>One &amp; two</p>three<br>four"
    )
    assert stripped(html) == "One & two\nthree\nfour"


def test_the_extractor_leaves_out_what_surrounds_the_text() -> None:
    found = main_text(PAGE["html"])
    assert all(line in found for line in PAGE["text"].split("\n"))
    assert "cookies" not in found and "Log in" in stripped(PAGE["html"]) and "Log in" not in found


@pytest.mark.parametrize(
    ("found", "wanted", "expected"),
    [
        ("a b c d e", "A b c d!", (0.5, 1.0)),  # of two runs of four words one is wanted
        ("a b c d", "a b c d e f", (1.0, 1 / 3)),
        ("a b c d a b c d", "a b c d", (0.2, 1.0)),  # a run that is found twice is wanted once
        ("", "a b c d", (0.0, 0.0)),
        ("a b", "a b", (1.0, 1.0)),
    ],
)
def test_precision_and_recall_by_hand(found: str, wanted: str, expected: tuple[float, float]) -> None:
    assert precision_and_recall(found, wanted) == pytest.approx(expected)


def test_f1_is_the_harmonic_mean() -> None:
    assert f1(0.5, 1.0) == pytest.approx(2 / 3) and f1(0.0, 0.0) == 0.0
