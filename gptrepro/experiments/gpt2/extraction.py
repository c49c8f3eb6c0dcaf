"""What a web page is about: all text between its tags, or what an extractor finds (GPT-2, section 2.1).

Two sets of raw pages come with the text that a person marked as the main one, or approved. Each page gives
precision, recall and F1 of either way, over runs of four words. Nothing is trained.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from gptrepro import storage
from gptrepro.experiments.base import (
    Budget,
    Config,
    CorpusRef,
    Experiment,
    Measurement,
    Outcomes,
    Row,
    Unit,
    register,
)
from gptrepro.scales import Scale
from gptrepro.tasks.labelled import rows_of_data
from gptrepro.text.pages import f1, main_text, precision_and_recall, stripped

WAYS = {"stripped": stripped, "extracted": main_text}
"""From a page to its text, by arm."""

_TEXT = (
    "The library opened its new reading room on Monday. It has forty seats, and two hundred people came on "
    "the first day to see it.",
    "The room stays open until ten in the evening, said its director. She hopes that students will come "
    "after their last lecture and stay until the lamps go out.",
)

PAGE = {
    "text": "\n".join(_TEXT),
    "html": f"""<html><head><title>A room</title><script>track("page");</script></head><body>
<nav><ul><li><a href="/">Home</a></li><li><a href="/in">Log in</a></li></ul></nav>
<article><p>{_TEXT[0]}</p><p>{_TEXT[1]}</p></article>
<aside class="related"><h2>More stories</h2><ul><li><a href="/a">Ten ways to save on heating</a></li>
<li><a href="/b">Our editors choose the best lamps of the year</a></li></ul></aside>
<footer><p>All rights reserved. <a href="/terms">Terms of use</a> <a href="/c">We use cookies</a></p></footer>
</body></html>""",
}
"""A page of ours, for a look and for tests."""


class ExtractionConfig(Config):
    """Which pages are read."""

    pages: dict[str, CorpusRef]
    """Sets of pages by name; `PAGE` alone where there is none."""


def _sets(config: ExtractionConfig) -> Iterator[tuple[str, list[Mapping[str, Any]]]]:
    if not config.pages:
        yield "articles", [PAGE]
    for name, corpus in config.pages.items():
        yield name, list(rows_of_data(corpus.name, corpus.split))


def _measure(config: ExtractionConfig, unit: Unit) -> Measurement:
    rows: list[Row] = []
    outcomes: list[Outcomes] = []
    for name, pages in _sets(config):
        for arm, way in WAYS.items():
            found = [precision_and_recall(way(page["html"]), page["text"]) for page in pages]
            scores = {
                "precision": [precision for precision, _ in found],
                "recall": [recall for _, recall in found],
                "f1": [f1(*both) for both in found],
            }
            for score, values in scores.items():
                place: Row = {"score": score, "pages": name, "arm": arm}
                kept = [float(np.float16(value)) for value in values]  # as the record keeps them
                rows.append({"value": round(float(np.mean(kept)), 5), **place})
                outcomes.append(Outcomes(place, kept))
    return Measurement(
        rows=rows, outcomes=outcomes, history=[], tokens=0, flops=0.0,
        tokenizer=storage.sha256_text("pages are cut into words"),
    )  # fmt: skip


_ALL = ExtractionConfig(
    pages={
        "articles": CorpusRef("html-extraction", "articles"),
        "seven kinds": CorpusRef("html-extraction", "sample"),
    }
)

EXTRACTION = register(
    Experiment(
        name="gpt2-extraction",
        version=1,
        paper="gpt2",
        question="How much of a page's main text is found, and how much else, with an extractor and without?",
        configs={
            Scale.SMOKE: ExtractionConfig(pages={}),
            **dict.fromkeys((Scale.LAPTOP, Scale.GPU, Scale.PAPER), _ALL),
        },
        seeds=dict.fromkeys(Scale, (100,)),
        corpora=lambda config: list(config.pages.values()),
        budget=lambda config: Budget(parameters=0, tokens=0, flops=0.0, updates=0),  # nothing is trained
        measure=_measure,
        replicated_over="item",
        labels={"arm": {"stripped": "tags stripped", "extracted": "extractor"}},
    )
)
