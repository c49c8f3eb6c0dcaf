"""Anyone's labelled rows as a task: a JSON lines file, in one of GPT-1's four forms of input.

    classification    {"text": ..., "label": ...}
    entailment        {"premise": ..., "hypothesis": ..., "label": ...}
    similarity        {"first": ..., "second": ..., "label": ...}, or "score" with a number
    choice            {"context": ..., "answers": [...], "label": number of the right answer, from 0}

Labels are texts or numbers. A row with the label -1 or "-" has none and is left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from gptrepro.errors import GptreproError
from gptrepro.storage import read_json_lines
from gptrepro.tasks.labelled import UNLABELLED, Example, Kind, Metric, Task, read_row
from gptrepro.tasks.parts import Part, place_of

KINDS: dict[str, Kind] = {
    "classification": "classification",
    "entailment": "entailment",
    "similarity": "similarity",
    "choice": "multiple choice",
}
"""What a reader calls the kinds, in one word each."""
_COLUMNS: dict[Kind, tuple[str, ...]] = {
    "classification": ("text",),
    "entailment": ("premise", "hypothesis"),
    "similarity": ("first", "second"),
    "multiple choice": ("context",),
}
_FORMS: dict[Kind, str] = {
    "classification": '{"text": ..., "label": ...}',
    "entailment": '{"premise": ..., "hypothesis": ..., "label": ...}',
    "similarity": '{"first": ..., "second": ..., "label": ...} or with "score"',
    "multiple choice": '{"context": ..., "answers": [...], "label": the number of the right one}',
}

HELD_OUT = 10
"""One in so many rows is held out where no other file is given to score on."""

Row = dict[str, Any]


def read_labelled(path: Path, kind: str) -> tuple[Task, list[Example]]:
    """The task that the rows of a file pose, and its examples.

    Its labels are all that occur, in alphabetical order; scores range from the lowest to the highest.

    Raises:
        GptreproError: the kind is unknown, the file is missing or has no labelled rows, a row is not of the
            kind's form, or all rows have one label.
    """
    if kind not in KINDS:
        raise GptreproError(f"There is no kind {kind!r}: choose {', '.join(KINDS)}.")
    rows = _rows(path, KINDS[kind])
    task = _task(path, KINDS[kind], rows)
    return task, _examples(path, task, rows)


def read_examples(path: Path, task: Task) -> list[Example]:
    """The examples of a file that a task was not made from.

    Raises:
        GptreproError: the file is missing or has no labelled rows, or a row is not as the task says.
    """
    return _examples(path, task, _rows(path, task.kind))


def task_of(
    name: str, kind: Kind, labels: Sequence[str], score: tuple[float, float] | None, answers: int
) -> Task:
    """A task over rows of the forms of this module.

    Args:
        name: what it is called.
        kind: which form.
        labels: of a row; of a choice, none.
        score: the lowest and highest score, in place of labels.
        answers: of each row of a choice.
    """
    scored: tuple[Metric, ...] = ("pearson", "spearman") if score else ("accuracy",)
    parts: tuple[Part, ...] = ("train", "dev", "test")
    return Task(
        name,
        name,
        kind,
        tuple(f"{{{column}}}" for column in _COLUMNS[kind]),
        {part: part for part in parts},
        scored,
        labels=tuple(labels) if kind != "multiple choice" else tuple(map(str, range(answers))),
        score=score,
        answers=tuple(f"{{answers[{n}]}}" for n in range(answers)),
        label="score" if score else "label",
    )


def held_out(examples: Sequence[Example]) -> tuple[list[Example], list[Example]]:
    """Rows to train on and a tenth to score on, by the hash of their texts: equal texts stay together.

    Raises:
        GptreproError: there are too few for both.
    """
    parts: tuple[list[Example], list[Example]] = ([], [])
    for example in examples:
        parts[place_of("\0".join((*example.texts, *example.answers)), HELD_OUT) == 0].append(example)
    if not all(parts):
        raise GptreproError(
            f"{len(examples)} rows are too few to hold out one in {HELD_OUT}: give more, or --heldout with "
            "rows of its own."
        )
    return parts


def _rows(path: Path, kind: Kind) -> list[Row]:
    otherwise = f"give it one row {_FORMS[kind]} a line, in UTF-8"
    rows: list[Row] = read_json_lines(path, Row, "file of labelled rows", "JSON object", otherwise)
    if not rows:
        raise GptreproError(f"{path} has no rows: {otherwise}.")
    return rows


def _task(path: Path, kind: Kind, rows: list[Row]) -> Task:
    if kind == "multiple choice":
        answers = rows[0].get("answers")
        if not isinstance(answers, list) or len(answers) < 2:
            raise GptreproError(f"Row 1 of {path} has no two answers: give it {_FORMS[kind]}.")
        return task_of(path.stem, kind, (), None, len(answers))
    if kind == "similarity" and "score" in rows[0]:
        scores = [row.get("score") for row in rows]
        numbers = [float(n) for n in scores if isinstance(n, int | float) and not isinstance(n, bool)]
        if len(numbers) < len(scores) or min(numbers) == max(numbers):
            raise GptreproError(f"The scores of {path} are not all numbers, or are all one: correct them.")
        return task_of(path.stem, kind, (), (min(numbers), max(numbers)), 0)
    labels = {str(row["label"]) for row in rows if row.get("label") not in (None, *UNLABELLED)}
    if len(labels) < 2:
        raise GptreproError(
            f"{path} has {len(labels)} different labels, and to choose takes two: give it rows "
            f"{_FORMS[kind]} of at least two labels."
        )
    return task_of(path.stem, kind, sorted(labels), None, 0)


def _examples(path: Path, task: Task, rows: list[Row]) -> list[Example]:
    examples = []
    for number, row in enumerate(rows, start=1):
        place = f"Row {number:,} of {path}"
        if task.kind == "multiple choice":
            answers = row.get("answers")
            if not isinstance(answers, list) or len(answers) != len(task.answers):
                raise GptreproError(f"{place} has not {len(task.answers)} answers: give each row as many.")
        example = read_row(task, row, place)
        if example is not None:
            examples.append(example)
    if not examples:
        raise GptreproError(f"{path} has no labelled rows: give it rows {_FORMS[task.kind]}.")
    return examples
