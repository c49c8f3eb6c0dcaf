"""Completions: is a text's continuation what the model would write, and how likely does it find it?"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import torch
from torch import Tensor, nn

from gptrepro.errors import GptreproError

FILLER = 0
"""The id behind the shorter sequences of a batch; a causal model never looks at it."""


class TextEncoder(Protocol):
    """What scoring needs of a tokenizer."""

    @property
    def end_of_text(self) -> int | None:
        """The id that starts a text, if the vocabulary has one."""
        ...

    def encode_batch(self, texts: list[str]) -> list[list[int]]:
        """The ids of each text."""
        ...


@dataclass(frozen=True)
class CompletionScore:
    """One scored row."""

    log_likelihood: float
    """Log-probability of the completion after its context, in nats, summed over its tokens."""
    n_tokens: int
    """Tokens of the completion."""
    exact_match: bool
    """Whether greedy decoding from the context would write exactly these tokens."""


@dataclass(frozen=True)
class CompletionScores:
    """All rows, in the order given."""

    rows: list[CompletionScore]

    @property
    def accuracy(self) -> float:
        """The share of exact matches."""
        return sum(row.exact_match for row in self.rows) / len(self.rows)

    @property
    def mean_log_likelihood(self) -> float:
        """The mean over rows, in nats."""
        return sum(row.log_likelihood for row in self.rows) / len(self.rows)

    @property
    def log_likelihood_per_token(self) -> float:
        """The mean over the tokens of all completions, in nats."""
        return sum(row.log_likelihood for row in self.rows) / sum(row.n_tokens for row in self.rows)


def read_completions(path: Path) -> list[dict[str, str]]:
    """The rows of a JSON lines file, each with the texts ``context`` and ``completion``.

    Raises:
        GptreproError: the file is missing or empty, or a line is not such a row; it names the line.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise GptreproError(f"{path} cannot be read as UTF-8 text: name a JSON lines file.") from error
    rows: list[dict[str, str]] = []
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            rows.append({"context": row["context"], "completion": row["completion"]})
            well_formed = all(isinstance(value, str) for value in rows[-1].values())
        except (ValueError, KeyError, TypeError):
            well_formed = False
        if not well_formed:
            raise GptreproError(
                f'Line {number} of {path} is no row {{"context": "...", "completion": "..."}}: correct it.'
            )
    if not rows:
        raise GptreproError(f"{path} has no rows: give it one JSON object a line.")
    return rows


def score_completions(
    model: nn.Module,
    tokenizer: TextEncoder,
    rows: Sequence[Mapping[str, str]],
    context: int,
    batch_size: int = 16,
) -> CompletionScores:
    """Score each row's completion after its context.

    Only the completion's tokens are scored, each given all the true tokens before it. Two pieces of
    text are encoded apart; white space at the end of the context goes to the completion, where byte-level
    BPE expects it:

        context      "The cat sat on "      completion   "the mat"
        ids read      The  _cat  _sat  _on  _the              (the last token is never read)
        predicted    (_cat)(_sat)(_on) _the  _mat             (in brackets: not scored)

    An empty context is read as the tokenizer's end-of-text token. From a context that is too long, the
    beginning is dropped. An exact match means that each scored token is the most likely one.

    Args:
        model: ids (B, T) int64 -> logits (B, T, n_vocab); its mode and place are left as they are.
        rows: each with the texts ``context`` and ``completion``.
        context: the most tokens that the model reads at once.
        batch_size: rows scored together.

    Raises:
        GptreproError: no rows; a completion without tokens or longer than the model's context; an empty
            context where the vocabulary has no end-of-text token.
    """
    if not rows:
        raise GptreproError("There are no completions to score.")
    pairs = _encoded(tokenizer, rows, context)
    device = next(model.parameters()).device
    was_training = model.training
    model.eval()
    scores: list[CompletionScore | None] = [None] * len(rows)
    by_length = sorted(range(len(rows)), key=lambda i: len(pairs[i][0]) + len(pairs[i][1]))
    with torch.inference_mode():
        for first in range(0, len(rows), batch_size):
            chosen = by_length[first : first + batch_size]
            ids = _padded([(pairs[i][0] + pairs[i][1])[:-1] for i in chosen])
            logits = model(ids.to(device))  # (B, T, n_vocab)
            for row, i in enumerate(chosen):
                before, completion = pairs[i]
                start = len(before) - 1
                scored = logits[row, start : start + len(completion)].float()  # (n_tokens, n_vocab)
                true = torch.tensor(completion, device=device)
                likelihoods = scored.log_softmax(-1).gather(1, true[:, None]).double()
                scores[i] = CompletionScore(
                    log_likelihood=float(likelihoods.sum()),
                    n_tokens=len(completion),
                    exact_match=bool((scored.argmax(-1) == true).all()),
                )
    model.train(was_training)
    return CompletionScores([score for score in scores if score is not None])


def _encoded(
    tokenizer: TextEncoder, rows: Sequence[Mapping[str, str]], context: int
) -> list[tuple[list[int], list[int]]]:
    """The ids before each completion, at least one and shortened to fit, and those of the completion."""
    contexts = [row["context"].rstrip() for row in rows]
    completions = [
        row["context"][len(before) :] + row["completion"] for row, before in zip(rows, contexts, strict=True)
    ]
    start = [] if tokenizer.end_of_text is None else [tokenizer.end_of_text]
    pairs: list[tuple[list[int], list[int]]] = []
    encoded = zip(tokenizer.encode_batch(contexts), tokenizer.encode_batch(completions), strict=True)
    for number, (before, completion) in enumerate(encoded, start=1):
        before = before or start
        if not completion:
            raise GptreproError(f"Row {number} has an empty completion: give it a text.")
        if len(completion) > context:
            raise GptreproError(
                f"The completion of row {number} has {len(completion)} tokens, more than the model's "
                f"context of {context}: shorten it."
            )
        if not before:
            raise GptreproError(
                f"Row {number} has an empty context, and this tokenizer has no token that starts a text: "
                "give it a context."
            )
        pairs.append((before[-(context + 1 - len(completion)) :], completion))
    return pairs


def _padded(sequences: list[list[int]]) -> Tensor:
    """(B, T) int64, filled up at the end."""
    longest = max(len(sequence) for sequence in sequences)
    return torch.tensor([sequence + [FILLER] * (longest - len(sequence)) for sequence in sequences])
