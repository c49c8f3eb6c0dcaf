"""What a model wrote, as a page shows it."""

from __future__ import annotations

from gptrepro.results import published_record
from gptrepro.scales import Scale
from gptrepro.talk import show_model, show_samples


def test_texts_are_shown_as_text_each_under_its_milestone():
    record = published_record("background-learning-curves", Scale.LAPTOP)
    assert record is not None
    run = record.runs[0]
    odd = run.written[-1].model_copy(update={"text": "<b> &\x00\n"})
    record = record.model_copy(update={"runs": [run.model_copy(update={"written": [run.written[0], odd]})]})
    html = show_samples(record, {0: "none", 4_000_000: "all"}).data
    assert html.index("0 tokens: none") < html.index("4,000,000 tokens: all")
    for shown in (html, show_model(record, "a").data):
        assert "&lt;b&gt; &amp;\ufffd\n</blockquote>" in shown
