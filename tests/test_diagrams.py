"""Drawings are readable on a phone, say in words what they show, and show what the library builds."""

from __future__ import annotations

import re

import pytest

from gptrepro import diagrams
from gptrepro.diagrams.drawing import Drawing
from gptrepro.published import PUBLISHED

WORDS = ["the", "queen", "lost"]
DRAWN = {
    "decoders": diagrams.decoders("gpt2"),
    "bottleneck": diagrams.bottleneck(list("one"), ["W", "AH", "N"], [0.7, 0.2, 0.1], 0),
    "one query": diagrams.one_query(WORDS, [0.1, 2.0, 0.3], [0.1, 0.7, 0.2]),
    "heads": diagrams.heads(WORDS, [[0.1, 0.7, 0.2], [0.8, 0.1, 0.1]], ["who", "what"]),
    "mask": diagrams.causal_mask(WORDS),
    "stages": diagrams.two_stages(),
}


@pytest.mark.parametrize("name", DRAWN)
def test_a_drawing_is_readable_on_a_phone_and_has_words_for_who_cannot_see(name):
    for svg in re.findall(r"<svg.*?</svg>", DRAWN[name].data):
        assert float(re.search(r'viewBox="0 0 ([\d.]+)', svg)[1]) <= 340
        assert min(float(size) for size in re.findall(r'font-size="([\d.]+)"', svg)) >= 12
        assert len(re.search(r'aria-label="([^"]+)"', svg)[1]) > 20
        assert "#fff" not in svg and "black" not in svg  # it follows the page into the dark
    with pytest.raises(ValueError, match="phone"):
        Drawing(400, 100)


def test_decoders_are_those_that_the_library_builds():
    words = re.findall(r'aria-label="([^"]+)"', DRAWN["decoders"].data)
    for text, name in zip(words, ("gpt1", "gpt2-1558m", "gpt3-175b"), strict=True):
        config = PUBLISHED[name].decoder
        assert f"{config.n_layers} blocks of width {config.d_model:,}" in text
        assert ("final" in text) == (config.norm == "pre")
        assert ("banded" in text) == (name == "gpt3-175b")


def test_the_mask_lets_a_word_see_itself_and_the_past():
    assert DRAWN["mask"].data.count('fill-opacity="0.45"') == 6
    assert DRAWN["mask"].data.count("stroke-dasharray") == 3


def test_prompts_and_tokens_are_text_that_is_escaped():
    shown = diagrams.prompts("Say:", [("a<b", "x"), ("c", "y")], "d", [0, 2]).data
    assert "a&lt;b =&gt; x" in shown and shown.count("few-shot") == 1 and shown.count("zero-shot") == 1
    boxes = diagrams.token_boxes(
        [("pair", [("", "start"), ("a<b", "text"), ("", "extract")])], caption="c"
    ).data
    assert re.sub(r"<[^>]+>", "|", boxes).replace("|", " ").split() == [
        "pair",
        "start",
        "a&lt;b",
        "extract",
        "c",
    ]
