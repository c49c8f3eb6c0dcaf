"""Prompted tasks: what a row becomes, and that every entry can be scored."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gptrepro.errors import GptreproError
from gptrepro.sources.catalogue import catalogue
from gptrepro.tasks.gpt1 import TASKS
from gptrepro.tasks.prompted import BLANK, PROMPTED, Item, rows_of

SENTENCE = {"texts": ("A moving film.",), "label": 1}
QUESTION = {"texts": ("Where do fish live?",), "label": 1, "answers": ("trees", "water")}
SCHEMA = {"texts": (f"It fell as {BLANK}  was old.",), "label": 0, "answers": ("the wall", "the man")}

EXPECTED: dict[str, tuple[dict[str, Any], Item]] = {
    "gpt1-acceptability": (SENTENCE, Item(("",), ("A moving film.",), 1)),
    "gpt1-word-order": (SENTENCE, Item(("",), ("A moving film.",), 1)),
    "gpt1-sentiment": (
        SENTENCE,
        Item(("A moving film. very",), (" negative", " positive"), 1, stem="very"),
    ),
    "gpt1-questions": (QUESTION, Item(("Where do fish live?",), (" trees", " water"), 1, stem="")),
    "gpt1-continuation": (QUESTION, Item(("Where do fish live?",), (" trees", " water"), 1, stem="")),
    "gpt1-referents": (SCHEMA, Item(("It fell as the wall", "It fell as the man"), (" was old.",))),
    "winograd-partial": (SCHEMA, Item(("It fell as the wall", "It fell as the man"), (" was old.",))),
    "winograd-full": (
        SCHEMA,
        Item(("",), ("It fell as the wall was old.", "It fell as the man was old.")),
    ),
    "lambada-last-word": (
        {"text": " He came home to his  wife. "},
        Item(("He came home to his",), (" wife.",)),
    ),
    "commonsenseqa": (
        QUESTION,
        Item(
            ("Question: Where do fish live?\nAnswer:",),
            (" trees", " water"),
            1,
            stem="Answer:",
        ),
    ),
}


@pytest.mark.parametrize("name", PROMPTED)
def test_a_row_becomes_what_the_protocol_says(name: str) -> None:
    row, item = EXPECTED[name]
    assert PROMPTED[name].made(row) == item


@pytest.mark.parametrize("between", ["\n", "\n\n", " \n", "\n\t"])
def test_a_line_end_before_the_last_word_is_part_of_what_is_asked(between: str) -> None:
    item = PROMPTED["lambada-last-word"].made({"text": f'"Who was it?"{between}Danny\n'})
    assert item == Item(('"Who was it?"',), (f"{between}Danny",))


@pytest.mark.parametrize("name", PROMPTED)
def test_every_task_has_rows_and_a_protocol(name: str) -> None:
    task = PROMPTED[name]
    if task.data not in TASKS:
        assert task.split in catalogue().corpus(task.data).splits
    assert task.protocol.endswith(".") and task.version >= 1
    if task.data in TASKS:
        assert task.chance == pytest.approx(1 / len(TASKS[task.data].labels))
    assert (task.normalisation == "stem") <= (EXPECTED[name][1].stem is not None)


def test_a_row_of_another_shape_is_refused() -> None:
    with pytest.raises(GptreproError, match="is a choice, and a row gives 1 contexts and 1 targets"):
        PROMPTED["gpt1-questions"].made(QUESTION | {"answers": ("water",)})
    with pytest.raises(GptreproError, match="lambada-last-word cannot read the row"):
        PROMPTED["lambada-last-word"].made({"text": "word"})
    written = replace(PROMPTED["commonsenseqa"], shape="written")
    assert written.made(QUESTION).targets == (" trees", " water")


def test_rows_come_from_the_parts_of_a_labelled_task() -> None:
    rows = rows_of("play-continuation", "test")
    assert rows and set(rows[0]) == {"texts", "label", "answers"}
    task = replace(PROMPTED["gpt1-continuation"], data="play-continuation")
    assert task.items() == [task.made(row) for row in rows]
    assert task.items("dev") != task.items()


@pytest.mark.mirror
@pytest.mark.parametrize("name", ["lambada-last-word", "winograd-full", "commonsenseqa"])
def test_the_published_rows_become_items(mirror: Path, name: str) -> None:
    task = PROMPTED[name]
    items = task.items()
    assert len(items) == {"lambada-last-word": 5153, "winograd-full": 273, "commonsenseqa": 1221}[name]
