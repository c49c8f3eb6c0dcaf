"""Anyone's labelled rows: each form, and one sentence for each thing that is wrong with a file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from gptrepro.errors import GptreproError
from gptrepro.tasks.labelled import Example
from gptrepro.tasks.own_rows import held_out, read_examples, read_labelled

ROWS: dict[str, list[dict[str, Any]]] = {
    "classification": [{"text": "a", "label": "yes"}, {"text": "b", "label": 0}, {"text": "c", "label": -1}],
    "entailment": [
        {"premise": "a", "hypothesis": "b", "label": "no"},
        {"premise": "c", "hypothesis": "d", "label": "maybe"},
    ],
    "similarity": [
        {"first": "a", "second": "b", "score": 1},
        {"first": "c", "second": "d", "score": 4.5},
    ],
    "choice": [
        {"context": "a", "answers": ["b", "c"], "label": 1},
        {"context": "d", "answers": ["e", "f"], "label": 0},
    ],
}
EXAMPLES = {
    "classification": [Example(("a",), 1), Example(("b",), 0)],  # "0" comes before "yes"; -1 is no label
    "entailment": [Example(("a", "b"), 1), Example(("c", "d"), 0)],
    "similarity": [Example(("a", "b"), 1.0), Example(("c", "d"), 4.5)],
    "choice": [Example(("a",), 1, ("b", "c")), Example(("d",), 0, ("e", "f"))],
}


def written(folder: Path, rows: list[Any]) -> Path:
    path = folder / "rows.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)))
    return path


@pytest.mark.parametrize("kind", ROWS)
def test_rows_of_each_form_become_examples(tmp_path, kind):
    task, examples = read_labelled(written(tmp_path, ROWS[kind]), kind)
    assert examples == EXAMPLES[kind]
    assert task.score == ((1.0, 4.5) if kind == "similarity" else None)
    assert read_examples(written(tmp_path, ROWS[kind][:1]), task) == EXAMPLES[kind][:1]


@pytest.mark.parametrize(
    ("kind", "rows", "message"),
    [
        ("sentiment", [{}], "no kind 'sentiment': choose classification"),
        ("classification", [], "has no rows"),
        ("classification", [3], "Line 1 of"),
        ("classification", [{"text": "a", "label": 1}], "1 different labels"),
        ("classification", [{"txt": "a", "label": 1}, {"text": "a", "label": 2}], "Row 1 of .* no 'text'"),
        ("similarity", [{"first": "a", "second": "b", "score": "x"}], "not all numbers"),
        ("choice", [{"context": "a", "answers": "bc", "label": 0}], "no two answers"),
        ("choice", [*ROWS["choice"], {"context": "a", "answers": ["b"], "label": 0}], "Row 3 .* 2 answers"),
        ("choice", [{"context": "a", "answers": ["b", "c"], "label": 2}], "label 2, which is none of 0, 1"),
    ],
)
def test_what_is_wrong_with_a_file_is_said(tmp_path, kind, rows, message):
    with pytest.raises(GptreproError, match=message):
        read_labelled(written(tmp_path, rows), kind)


def test_equal_texts_are_not_both_trained_on_and_held_out():
    examples = [Example((f"text {n % 50}",), n % 2) for n in range(100)]
    training, scored = held_out(examples)
    assert len(training) + len(scored) == 100
    assert not {one.texts for one in training} & {one.texts for one in scored}
    with pytest.raises(GptreproError, match="too few to hold out"):
        held_out(examples[:1])
