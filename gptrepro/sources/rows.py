"""Labelled rows in the forms that they were published in, made into the JSON lines that tasks read.

The mirror holds the lines; the origin holds the published file, which `as_lines` turns into the very same
bytes. The sha256 in ``data/sources`` is of the lines, so a published file of another content or form is
noticed whatever it is.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from typing import Any, Literal

from gptrepro.errors import GptreproError

Form = Literal["commonsenseqa", "dream", "gpt3-samples", "snli", "winograd"]
"""The data set that was published in this form."""

Row = dict[str, Any]

_SNLI_LABELS = {"0": "entailment", "1": "neutral", "2": "contradiction"}


def _commonsenseqa(text: str) -> Iterator[Row]:
    """JSON lines, the answers each with a letter."""
    for line in text.removesuffix("\n").split("\n"):
        published = json.loads(line)
        choices = published["question"]["choices"]
        yield {
            "id": published["id"],
            "question": published["question"]["stem"],
            "choices": [choice["text"] for choice in choices],
            "label": [choice["label"] for choice in choices].index(published["answerKey"]),
        }


def _dream(text: str) -> Iterator[Row]:
    """One JSON list of dialogues: the turns, the questions on them, the number."""
    for turns, questions, number in json.loads(text):
        for asked in questions:
            yield {
                "id": number,
                "dialogue": "\n".join(turns),
                "question": asked["question"],
                "choices": asked["choice"],
                "label": asked["choice"].index(asked["answer"]),
            }


def _gpt3_samples(text: str) -> Iterator[Row]:
    """A JSON string a line."""
    for number, line in enumerate(text.removesuffix("\n").split("\n")):
        sample = json.loads(line)
        if not isinstance(sample, str):
            raise TypeError
        yield {"id": number, "text": sample}


def _snli(text: str) -> Iterator[Row]:
    """Premise, hypothesis and number of the label, separated by tabs."""
    for line in text.removesuffix("\n").split("\n"):
        premise, hypothesis, label = line.split("\t")
        yield {"premise": premise, "hypothesis": hypothesis, "label": _SNLI_LABELS[label]}


def _winograd(text: str) -> Iterator[Row]:
    """Four lines a schema: the sentence, the mark of the pronoun, both referents, the right one.

    The right referent is published first, so the two are put in another order: that of the MD5 of the
    sentence with each.
    """
    for schema in text.rstrip("\n").split("\n\n"):
        sentence, _, names, right = schema.split("\n")

        def place(name: str, sentence: str = sentence) -> str:
            return hashlib.md5((sentence + name).encode(), usedforsecurity=False).hexdigest()

        candidates = sorted((name.strip() for name in names.split(",")), key=place)
        answer = right.strip()
        yield {
            "text": sentence.strip(),
            "candidates": candidates,
            "answer": answer,
            "label": candidates.index(answer),
        }


_READERS: dict[Form, Callable[[str], Iterator[Row]]] = {
    "commonsenseqa": _commonsenseqa,
    "dream": _dream,
    "gpt3-samples": _gpt3_samples,
    "snli": _snli,
    "winograd": _winograd,
}


def as_lines(published: bytes, form: Form) -> bytes:
    """A published file as JSON lines in UTF-8, one row each.

    Raises:
        GptreproError: it has another form; the message is a clause without its subject.
    """
    try:
        rows = list(_READERS[form](published.decode("utf-8").replace("\r\n", "\n")))
    except (ValueError, LookupError, TypeError, RecursionError) as error:
        raise GptreproError(f"is not in the published form of {form} ({type(error).__name__})") from error
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()
