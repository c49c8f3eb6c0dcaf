"""From a labelled row to token sequences: the four input transformations of GPT-1's Figure 1.

    classification    start text extract
    entailment        start premise delimiter hypothesis extract
    similarity        start first delimiter second extract,  start second delimiter first extract
    multiple choice   start context delimiter answer extract,  one sequence for each answer

Every structured input becomes sequences that a language model can read (section 3.3), so that nothing of the
pre-trained model has to change. What does not fit the context is cut, never the special tokens:

- A text by itself loses its end.
- Of two texts, the longer one is cut until both fit or both have half of the room; each loses its end.
- The context of a multiple choice loses its beginning, because the question stands at its end, and as much of
  it as the longest answer demands, so that all answers are read after the same text.

The rule is ours: the paper does not say how it cuts, and its code gives each text half of the context.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from gptrepro.errors import GptreproError
from gptrepro.tasks.labelled import Example, Kind, Task
from gptrepro.tokenizer import TextEncoder

FILLER = 0
"""The id behind the shorter sequences of a batch; a causal model never looks at it."""

SHORTEST_CONTEXT = 5
"""Three special tokens and one token of each of two texts."""


class SpecialTokens(NamedTuple):
    """The ids of the tokens that pre-training does not have; they follow its vocabulary."""

    start: int
    delimiter: int
    extract: int

    @classmethod
    def after(cls, n_vocab: int) -> SpecialTokens:
        """The three ids after a vocabulary of ``n_vocab`` tokens."""
        return cls(n_vocab, n_vocab + 1, n_vocab + 2)


@dataclass(frozen=True)
class EncodedExample:
    """A labelled row as the model reads it."""

    sequences: list[list[int]]
    """S sequences of ids, each with exactly one extract token, at its end."""
    label: int | float


def encode(
    task: Task, examples: Iterable[Example], tokenizer: TextEncoder, special: SpecialTokens, context: int
) -> list[EncodedExample]:
    """The examples of a task as token sequences of at most ``context`` tokens.

    Raises:
        GptreproError: the context has no room for two texts.
    """
    return [
        EncodedExample(
            sequences_of(
                task.kind,
                [tokenizer.encode(text) for text in example.texts],
                [tokenizer.encode(answer) for answer in example.answers],
                special,
                context,
            ),
            example.label,
        )
        for example in examples
    ]


def sequences_of(
    kind: Kind,
    texts: Sequence[list[int]],
    answers: Sequence[list[int]],
    special: SpecialTokens,
    context: int,
) -> list[list[int]]:
    """The sequences of one row.

    Args:
        kind: which transformation.
        texts: the ids of the text, of the two texts of a pair, or of the context before the answers.
        answers: the ids of each answer of a multiple choice.
        special: ids of the special tokens.
        context: the most tokens of a sequence.

    Returns:
        S sequences: 1 for classification and entailment, 2 for similarity, and one for each answer.

    Raises:
        GptreproError: the context has no room for two texts.
    """
    if context < SHORTEST_CONTEXT:
        raise GptreproError(
            f"A context of {context} tokens has no room for two texts: use at least {SHORTEST_CONTEXT}."
        )
    start, delimiter, extract = special
    if kind == "classification":
        return [[start, *texts[0][: context - 2], extract]]
    room = context - len(special)
    if kind == "multiple choice":
        kept, kept_answer = _share(len(texts[0]), max(map(len, answers)), room)
        before = texts[0][len(texts[0]) - kept :]
        return [[start, *before, delimiter, *answer[:kept_answer], extract] for answer in answers]
    first, second = texts
    orders = [(first, second), (second, first)] if kind == "similarity" else [(first, second)]
    return [_pair(one, other, special, room) for one, other in orders]


def _pair(first: list[int], second: list[int], special: SpecialTokens, room: int) -> list[int]:
    kept_first, kept_second = _share(len(first), len(second), room)
    start, delimiter, extract = special
    return [start, *first[:kept_first], delimiter, *second[:kept_second], extract]


def _share(first: int, second: int, room: int) -> tuple[int, int]:
    """How many tokens two texts keep: half of the room each, and what the other one leaves."""
    kept_second = min(second, max(room // 2, room - first))
    return min(first, room - kept_second), kept_second


def collate(examples: Sequence[EncodedExample]) -> tuple[Tensor, Tensor]:
    """A batch.

    Returns:
        Ids (B, S, T) int64, T the length of the longest sequence, the shorter ones filled up behind; labels
        (B,), int64 or float32.
    """
    flat = [torch.tensor(ids) for example in examples for ids in example.sequences]
    ids = pad_sequence(flat, batch_first=True, padding_value=FILLER)
    return ids.view(len(examples), -1, ids.shape[-1]), torch.tensor([example.label for example in examples])
