"""Toy tasks of every kind over words that are one token each, and a model that reads them."""

from __future__ import annotations

from typing import Any

import torch

from gptrepro.finetune import EncodedExample, FineTuned, SpecialTokens
from gptrepro.finetune.inputs import sequences_of
from gptrepro.tasks.labelled import Example, Kind, Task
from tests.model.small import small_decoder

N_VOCAB, CONTEXT = 61, 64
SPECIAL = SpecialTokens.after(N_VOCAB)
PAIR = ("{a}", "{b}")
SPLITS: Any = {"train": "train", "dev": "dev", "test": "test"}
TOY: dict[str, Task] = {
    task.name: task
    for task in (
        Task("text", "Text", "classification", ("{a}",), SPLITS, ("accuracy",), ("no", "yes")),
        Task("nli", "Pair", "entailment", PAIR, SPLITS, ("accuracy",), ("yes", "maybe", "no")),
        Task("alike", "Alike", "similarity", PAIR, SPLITS, ("f1", "accuracy"), ("no", "yes")),
        Task("score", "Score", "similarity", PAIR, SPLITS, ("pearson", "spearman"), score=(0.0, 5.0)),
        Task(
            "choice",
            "Choice",
            "multiple choice",
            ("{a}",),
            SPLITS,
            ("accuracy",),
            ("A", "B", "C"),
            answers=("{b}", "{c}", "{d}"),
        ),
    )
}


class Words:
    """Each word of the form ``w17`` is the token of its number."""

    def encode(self, text: str) -> list[int]:
        """The ids of a text."""
        return [int(word.removeprefix("w")) for word in text.split()]


def words(ids: list[int]) -> str:
    """The text that `Words` reads as ``ids``."""
    return " ".join(f"w{i}" for i in ids)


def random_rows(task: Task, n: int, seed: int = 0, longest: int = 20) -> list[EncodedExample]:
    """Rows of random tokens, lengths and labels."""
    generator = torch.Generator().manual_seed(seed)

    def text() -> list[int]:
        length = int(torch.randint(1, longest, (), generator=generator))
        return torch.randint(N_VOCAB, (length,), generator=generator).tolist()

    def label() -> int | float:
        if task.score:
            return 5 * float(torch.rand((), generator=generator))
        return int(torch.randint(len(task.labels), (), generator=generator))

    return [
        EncodedExample(
            sequences_of(
                task.kind, [text() for _ in task.texts], [text() for _ in task.answers], SPECIAL, CONTEXT
            ),
            label(),
        )
        for _ in range(n)
    ]


def marked_examples(kind: Kind, n: int, seed: int = 0) -> list[Example]:
    """Examples that one word gives away: ``w7`` stands for label 1, in the text or in the right answer."""
    generator = torch.Generator().manual_seed(seed)
    examples = []
    for i in range(n):
        plain = [torch.randint(10, N_VOCAB, (5,), generator=generator).tolist() for _ in range(4)]
        label = i % (3 if kind == "multiple choice" else 2)
        if kind == "multiple choice":
            plain[1 + label][0] = 7
            a, b, c, d = map(words, plain)
            examples.append(Example((a,), label, (b, c, d)))
        else:
            if label:
                plain[0][2] = 7
            texts = tuple(map(words, plain[: 1 if kind == "classification" else 2]))
            examples.append(Example(texts, label))
    return examples


def toy_model(task: Task, seed: int = 0, lm_weight: float = 0.5, **config: Any) -> FineTuned:
    """A small model of random weights for a task, in evaluation mode."""
    body = small_decoder(seed, n_layers=2, **config)
    torch.manual_seed(seed)
    model = FineTuned(body, task, lm_weight=lm_weight).eval()
    torch.nn.init.normal_(model.head.weight, std=0.2)
    return model
