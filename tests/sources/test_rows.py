"""Labelled rows in the forms that they were published in become the very lines of the mirror."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import pytest

from gptrepro.errors import GptreproError
from gptrepro.sources.catalogue import catalogue
from gptrepro.sources.rows import Form, Row, as_lines
from gptrepro.sources.tiers import open_files

Rows = list[dict[str, Any]]


def commonsenseqa(rows: Rows) -> str:
    return "".join(
        json.dumps(
            {
                "answerKey": "ABCDE"[row["label"]],
                "id": row["id"],
                "question": {
                    "question_concept": "any",
                    "choices": [
                        {"label": letter, "text": text}
                        for letter, text in zip("ABCDE", row["choices"], strict=False)
                    ],
                    "stem": row["question"],
                },
            }
        )
        + "\n"
        for row in rows
    )


def dream(rows: Rows) -> str:
    dialogues: dict[tuple[str, str], Rows] = {}
    for row in rows:
        asked = {
            "question": row["question"],
            "choice": row["choices"],
            "answer": row["choices"][row["label"]],
        }
        dialogues.setdefault((row["id"], row["dialogue"]), []).append(asked)
    published = [[text.split("\n"), asked, number] for (number, text), asked in dialogues.items()]
    return json.dumps(published, indent=2).replace("\n", "\r\n")


def gpt3_samples(rows: Rows) -> str:
    return "".join(json.dumps(row["text"], ensure_ascii=False) + "\n" for row in rows)


def snli(rows: Rows) -> str:
    labels = ("entailment", "neutral", "contradiction")
    return "".join(f"{r['premise']}\t{r['hypothesis']}\t{labels.index(r['label'])}\n" for r in rows)


def winograd(rows: Rows) -> str:
    def schema(row: Row) -> str:
        right, wrong = row["answer"], row["candidates"][1 - row["label"]]
        # Published so: a blank ends every sentence but two.
        end = "" if "longtime rival Bill" in row["text"] else " "
        return f"{row['text']}{end}\n[MASK]\n {right} , {wrong} \n {right} \n\n"

    return "".join(map(schema, rows))


PUBLISHED: dict[Form, Callable[[Rows], str]] = {
    "commonsenseqa": commonsenseqa,
    "dream": dream,
    "gpt3-samples": gpt3_samples,
    "snli": snli,
    "winograd": winograd,
}
"""The way back, from our rows to the published form."""

EXAMPLES: dict[Form, tuple[str, Rows]] = {
    "commonsenseqa": (
        '{"answerKey": "B", "id": "7f", "question": {"question_concept": "ice", "choices": [{"label": "A", '
        '"text": "oven"}, {"label": "B", "text": "caf\\u00e9"}], "stem": "Where is ice  kept?"}}\n',
        [{"id": "7f", "question": "Where is ice  kept?", "choices": ["oven", "café"], "label": 1}],
    ),
    "dream": (
        '[[["W: Late?", "M: Early."], [{"question": "When?", "choice": ["Late.", "Early."], '
        '"answer": "Early."}, {"question": "Who?", "choice": ["He.", "She."], "answer": "He."}], "3-1"]]',
        [
            {
                "id": "3-1",
                "dialogue": "W: Late?\nM: Early.",
                "question": "When?",
                "choices": ["Late.", "Early."],
                "label": 1,
            },
            {
                "id": "3-1",
                "dialogue": "W: Late?\nM: Early.",
                "question": "Who?",
                "choices": ["He.", "She."],
                "label": 0,
            },
        ],
    ),
    "gpt3-samples": (
        '"One\\n\\ntwo"\n"Café"\n',
        [{"id": 0, "text": "One\n\ntwo"}, {"id": 1, "text": "Café"}],
    ),
    "snli": (
        "a man sings\tnobody sings\t2\na man sings\ta person sings\t0\n",
        [
            {"premise": "a man sings", "hypothesis": "nobody sings", "label": "contradiction"},
            {"premise": "a man sings", "hypothesis": "a person sings", "label": "entailment"},
        ],
    ),
    "winograd": (
        # md5("[MASK] fell. the cup") = 428c..., md5("[MASK] fell. the cat") = 5eae...
        "[MASK] fell. \n[MASK]\nthe cat ,the cup \nthe cat \n\n",
        [
            {
                "text": "[MASK] fell.",
                "candidates": ["the cup", "the cat"],
                "answer": "the cat",
                "label": 1,
            }
        ],
    ),
}


@pytest.mark.parametrize("form", get_args(Form))
def test_a_published_file_becomes_json_lines(form: Form) -> None:
    published, rows = EXAMPLES[form]
    lines = as_lines(published.encode(), form).decode()
    assert [json.loads(line) for line in lines.split("\n")[:-1]] == rows
    assert "\\u" not in lines  # written as the mirror writes it
    assert as_lines(published.replace("\n", "\r\n").encode(), form).decode() == lines


@pytest.mark.parametrize("form", get_args(Form))
@pytest.mark.parametrize("content", [b"<html>\nnot found</html>\n", b"", b"\xff\xfe", b'{"rows": 3}'])
def test_another_form_is_one_clause(form: Form, content: bytes) -> None:
    with pytest.raises(GptreproError, match=f"is not in the published form of {form}"):
        as_lines(content, form)


@pytest.mark.mirror
def test_every_published_form_gives_the_pinned_lines(mirror: Path) -> None:
    seen = set()
    for entry in catalogue().corpora.values():
        for file_set in [one for split in entry.splits.values() for one in split.file_sets]:
            if file_set.origin is None or file_set.origin.form is None:
                continue
            form = file_set.origin.form
            for file in open_files("mirror", (file_set,)):
                rows = [json.loads(line) for line in file.read().decode().split("\n")[:-1]]
                lines = as_lines(PUBLISHED[form](rows).encode(), form)
                assert hashlib.sha256(lines).hexdigest() == file.sha256, f"{form}: {file.name}"
                seen.add(form)
    assert seen == set(get_args(Form))
