"""Tasks that are put to a language model as text: it is never trained for them, at most shown examples.

A row becomes an `Item`, and the model says how likely texts are, or writes one:

    cloze     one context, one target: how likely is it, and would the model write it?
    choice    one context, several targets: which is likeliest?
    schema    several contexts, one target: after which is it likeliest?
    written   one context; the model writes, and is compared with the targets

What is scored is stated by a `PromptedTask`, as data: a score belongs to a version of a protocol.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from gptrepro.errors import GptreproError
from gptrepro.sources.catalogue import catalogue
from gptrepro.sources.corpora import load_corpus
from gptrepro.tasks.gpt1 import TASKS, find_task
from gptrepro.tasks.labelled import load_task, rows_of_data

Shape = Literal["cloze", "choice", "schema", "written"]

Normalisation = Literal["total", "token", "stem"]
"""What an alternative is judged by: its log-likelihood, the same a token, or less what it costs after the
stem alone, which divides P(target | context) by P(target | stem) (GPT-3, section 2.4)."""

PromptedMetric = Literal["accuracy", "auc", "exact_match", "f1"]

Row = Mapping[str, Any]

BLANK = "[MASK]"
"""Where the pronoun of a Winograd schema stood."""


@dataclass(frozen=True)
class Item:
    """One question, as text. Contexts and targets are joined as they are: a target brings its own space."""

    contexts: tuple[str, ...]
    targets: tuple[str, ...]
    """What is scored after a context; of a written answer, what it is compared with."""
    gold: int = 0
    """The number of the right target or context; of a cloze, a label that its likelihood is to tell."""
    stem: str | None = None
    """What a target also stands after in `Normalisation` by stem, such as ``Answer:``; None for no such."""

    @property
    def alternatives(self) -> tuple[tuple[str, str], ...]:
        """Each context with each target."""
        return tuple((context, target) for context in self.contexts for target in self.targets)

    @property
    def shown(self) -> str:
        """The item with its right answer, as an example for others."""
        return "".join(texts[self.gold if len(texts) > 1 else 0] for texts in (self.contexts, self.targets))


@dataclass(frozen=True)
class PromptedTask:
    """What is asked, of which rows, and how the answers are scored."""

    name: str
    version: int
    """Raise it whenever a change moves scores."""
    protocol: str
    """What is scored, in one sentence."""
    shape: Shape
    data: str
    """A labelled task of `gptrepro.tasks.gpt1`, or else a data set in ``data/sources``."""
    item: Callable[[Row], Item]
    """How a row becomes an item; see `rows_of` for the rows."""
    metric: PromptedMetric
    chance: float
    """What guessing scores."""
    normalisation: Normalisation = "total"
    split: str = "test"
    """A part of the labelled task (train, dev, test), or a split of the data set."""
    shots_from: str | None = None
    """The split that examples are drawn from; None where none are shown."""
    description: str = ""
    """Comes before the examples."""
    separator: str = "\n\n"
    """Stands between description, examples and question."""
    answer_tokens: int = 32
    """The most tokens of a written answer."""
    stop: tuple[str, ...] = ("\n",)
    """Texts that end a written answer."""

    def items(self, split: str | None = None) -> list[Item]:
        """The items of a split, by default that which is scored.

        Raises:
            GptreproError: no tier can serve the data, or a row does not give an item of this shape.
        """
        return [self.made(row) for row in rows_of(self.data, split or self.split)]

    def made(self, row: Row) -> Item:
        """The item of a row.

        Raises:
            GptreproError: it is not of this task's shape.
        """
        try:
            item = self.item(row)
        except (KeyError, IndexError, ValueError) as error:
            raise GptreproError(
                f"{self.name} cannot read the row {str(dict(row))[:100]}: correct it."
            ) from error
        contexts, targets = len(item.contexts), len(item.targets)
        fits = {
            "cloze": contexts == targets == 1,
            "choice": contexts == 1 < targets and item.gold < targets,
            "schema": targets == 1 < contexts and item.gold < contexts,
            "written": contexts == 1 <= targets,
        }
        if not fits[self.shape]:
            raise GptreproError(
                f"{self.name} is a {self.shape}, and a row gives {contexts} contexts and {targets} targets: "
                "correct the row."
            )
        return item


def rows_of(data: str, split: str) -> list[Row]:
    """Rows by the columns of their data set; of a labelled task ``texts``, ``label`` and ``answers``; of a
    running text ``text``, one a document.

    Raises:
        GptreproError: no tier can serve the data, or there is no such split.
    """
    if data in TASKS:
        return [vars(example) for example in getattr(load_task(find_task(data)), split)]
    if catalogue().corpus(data).format == "rows":
        return list(rows_of_data(data, split))
    return [{"text": document} for document in load_corpus(data, split).documents()]


def _text_alone(row: Row) -> Item:
    return Item(("",), row["texts"], int(row["label"]))


def _very(row: Row) -> Item:
    return Item((f"{row['texts'][0]} very",), (" negative", " positive"), int(row["label"]), stem="very")


def _answers(row: Row) -> Item:
    return Item(row["texts"], tuple(f" {answer}" for answer in row["answers"]), int(row["label"]), stem="")


def _question_and_answer(row: Row) -> Item:
    return Item(
        (f"Question: {row['texts'][0]}\nAnswer:",),
        tuple(f" {answer}" for answer in row["answers"]),
        int(row["label"]),
        stem="Answer:",
    )


def _last_word(row: Row) -> Item:
    before, word = row["text"].strip().rsplit(None, 1)
    between = row["text"].strip()[len(before) : -len(word)]
    if "\n" not in between:  # as a few passages have it
        between = " "
    return Item((before,), (between + word,))


def _filled(row: Row) -> tuple[tuple[str, ...], str]:
    """A Winograd schema up to each candidate's end, and what follows."""
    before, after = row["texts"][0].split(BLANK, 1)
    return tuple(f"{before.strip()} {name}".strip() for name in row["answers"]), f" {after.strip()}"


def _referents(row: Row) -> Item:
    contexts, after = _filled(row)
    return Item(contexts, (after,), int(row["label"]))


def _whole_sentences(row: Row) -> Item:
    contexts, after = _filled(row)
    return Item(("",), tuple(context + after for context in contexts), int(row["label"]))


PROMPTED: dict[str, PromptedTask] = {
    task.name: task
    for task in (
        # GPT-1's heuristics (section 5) on its own tasks or what stands in for them, and on held-out novels
        PromptedTask(
            name="gpt1-acceptability",
            version=1,
            protocol="The mean log-likelihood a token of a sentence, first token included, ranks acceptable "
            "sentences above others.",
            shape="cloze",
            data="cola",
            item=_text_alone,
            metric="auc",
            chance=0.5,
            normalisation="token",
        ),
        PromptedTask(
            name="gpt1-word-order",
            version=1,
            protocol="The mean log-likelihood a token of a sentence ranks sentences in order above "
            "disturbed ones.",
            shape="cloze",
            data="novel-word-order",
            item=_text_alone,
            metric="auc",
            chance=0.5,
            normalisation="token",
        ),
        PromptedTask(
            name="gpt1-sentiment",
            version=1,
            protocol="After the sentence and the word very, the log-likelihood of positive less that of "
            "negative ranks positive sentences above negative ones.",
            shape="choice",
            data="sst2",
            item=_very,
            metric="auc",
            chance=0.5,
        ),
        PromptedTask(
            name="gpt1-questions",
            version=1,
            protocol="The answer with the highest mean log-likelihood a token after the question is taken.",
            shape="choice",
            data="commonsenseqa",
            item=_answers,
            metric="accuracy",
            chance=0.2,
            normalisation="token",
        ),
        PromptedTask(
            name="gpt1-continuation",
            version=1,
            protocol="The ending with the highest mean log-likelihood a token after the passage is taken.",
            shape="choice",
            data="novel-continuation",
            item=_answers,
            metric="accuracy",
            chance=0.5,
            normalisation="token",
        ),
        PromptedTask(
            name="gpt1-referents",
            version=1,
            protocol="The referent in the pronoun's place is taken after which the rest of the sentence has "
            "the highest mean log-likelihood a token.",
            shape="schema",
            data="winograd",
            item=_referents,
            metric="accuracy",
            chance=0.5,
            normalisation="token",
        ),
        # GPT-2's and GPT-3's
        PromptedTask(
            name="lambada-last-word",
            version=2,
            protocol="The last word of a passage, with the white space before it, is right where greedy "
            "decoding writes exactly its tokens.",
            shape="cloze",
            data="lambada",
            item=_last_word,
            metric="accuracy",
            chance=0.0,
        ),
        PromptedTask(
            name="winograd-full",
            version=1,
            protocol="Of the sentence with either referent in the pronoun's place, the likelier is taken.",
            shape="choice",
            data="winograd",
            item=_whole_sentences,
            metric="accuracy",
            chance=0.5,
        ),
        PromptedTask(
            name="winograd-partial",
            version=1,
            protocol="The referent in the pronoun's place is taken after which the rest of the sentence is "
            "likelier.",
            shape="schema",
            data="winograd",
            item=_referents,
            metric="accuracy",
            chance=0.5,
        ),
        PromptedTask(
            name="commonsenseqa",
            version=1,
            protocol="The answer is taken whose likelihood after the question, over that after 'Answer:' "
            "alone, is the highest.",
            shape="choice",
            data="commonsenseqa",
            item=_question_and_answer,
            metric="accuracy",
            chance=0.2,
            normalisation="stem",
            shots_from="train",
        ),
    )
}
"""Prompted tasks by name."""
