"""Tasks without training for them: heuristics that make a language model judge (GPT-1, section 5).

Each asks how likely the model finds some text. The first four are the paper's, in its form; where that form
has a known bias, a corrected one stands beside it:

    acceptability   mean log-probability of the sentence's tokens
    sentiment       "... very positive" against "... very negative"; corrected for the words themselves
    choices         mean log-probability of each answer after its context; corrected for the answer itself
    referents       mean log-probability of what follows the referent that took the pronoun's place
    last words      log-probability of a passage's last word (LAMBADA; not in the paper)

Corrected means: less the log-probability of the same words without the text in question. An answer that is
long, or rare, is then not at a disadvantage, since both terms pay for it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn import metrics
from torch import nn

from gptrepro.evaluate.completions import CompletionScores, TextEncoder, score_completions
from gptrepro.evaluate.metrics import METRICS

Scores = NDArray[np.float64]

BATCH_SIZE = 64

BLANK = "[MASK]"
"""Where the pronoun stood."""


class Paragraphs:
    """A tokenizer for texts that each begin a paragraph, as they do in training.

    A first word then has something before it, the end of the line before, although GPT-1's vocabulary has no
    token that ends a text. A text is encoded only once, however many models read it.

    Args:
        tokenizer: encodes the texts.
        line_end: its id of a line end.
    """

    def __init__(self, tokenizer: TextEncoder, line_end: int) -> None:
        self._tokenizer = tokenizer
        self._known: dict[str, list[int]] = {}
        self._line_end = line_end

    @property
    def end_of_text(self) -> int:
        """The id that starts a text."""
        return self._line_end

    def encode_batch(self, texts: list[str]) -> list[list[int]]:
        """The ids of each text."""
        new = [text for text in dict.fromkeys(texts) if text not in self._known]
        self._known |= zip(new, self._tokenizer.encode_batch(new), strict=True)
        return [self._known[text] for text in texts]


@dataclass(frozen=True)
class Reader:
    """A language model that says how likely texts are."""

    model: nn.Module
    """ids (B, T) int64 -> logits (B, T, n_vocab)"""
    tokenizer: TextEncoder
    """With a token that starts a text."""
    context: int
    """The most tokens that the model reads at once."""

    def completions(self, contexts: Sequence[str], texts: Sequence[str]) -> CompletionScores:
        """Each text scored after its context, which may be empty."""
        rows: list[Mapping[str, str]] = [
            {"context": context, "completion": f" {text}" if context else text}
            for context, text in zip(contexts, texts, strict=True)
        ]
        return score_completions(self.model, self.tokenizer, rows, self.context, BATCH_SIZE)

    def sums(self, contexts: Sequence[str], texts: Sequence[str]) -> Scores:
        """Log-probability of each text after its context, in nats: (N,)"""
        return np.array([row.log_likelihood for row in self.completions(contexts, texts).rows])

    def means(self, contexts: Sequence[str], texts: Sequence[str]) -> Scores:
        """The same a token: (N,)"""
        rows = self.completions(contexts, texts).rows
        return np.array([row.log_likelihood / row.n_tokens for row in rows])

    def fits(self, text: str) -> bool:
        """Whether the model can score all of a text at once."""
        return len(self.tokenizer.encode_batch([text])[0]) <= self.context


@dataclass(frozen=True)
class Choice:
    """How likely each alternative is; the best is the answer."""

    plain: Scores
    """(N, n_alternatives), the paper's form."""
    corrected: Scores
    """(N, n_alternatives), less what the alternative's own words cost."""


def acceptability(reader: Reader, sentences: Sequence[str]) -> Scores:
    """Mean log-probability of the tokens of each sentence, the first included: (N,)"""
    return reader.means([""] * len(sentences), sentences)


def sentiment(
    reader: Reader, sentences: Sequence[str], words: Sequence[str] = ("negative", "positive")
) -> Choice:
    """How likely each of ``words`` is after the sentence and "very".

    The correction is the same for all sentences: it moves the threshold of the decision, and no ranking.
    """
    plain = np.stack(
        [reader.sums([f"{s} very" for s in sentences], [word] * len(sentences)) for word in words], axis=1
    )
    return Choice(plain, plain - reader.sums(["very"] * len(words), words))


def choices(reader: Reader, contexts: Sequence[str], answers: Sequence[Sequence[str]]) -> Choice:
    """How likely each answer is after its context.

    Args:
        contexts: (N,)
        answers: (N, n_answers)
    """
    n_answers = len(answers[0])
    repeated = [context for context in contexts for _ in range(n_answers)]
    flat = [answer for row in answers for answer in row]
    after = reader.completions(repeated, flat).rows
    alone = reader.sums([""] * len(flat), flat)
    sums = np.array([row.log_likelihood for row in after])
    lengths = np.array([row.n_tokens for row in after])
    return Choice((sums / lengths).reshape(-1, n_answers), (sums - alone).reshape(-1, n_answers))


def referents(reader: Reader, texts: Sequence[str], candidates: Sequence[Sequence[str]]) -> Scores:
    """Mean log-probability of what follows `BLANK` when each candidate stands there: (N, n_candidates)"""
    parts = [text.split(BLANK, 1) for text in texts]
    return np.stack(
        [
            reader.means(
                [
                    f"{before.strip()} {names[i]}".strip()
                    for (before, _), names in zip(parts, candidates, strict=True)
                ],
                [after.strip() for _, after in parts],
            )
            for i in range(len(candidates[0]))
        ],
        axis=1,
    )


def last_words(reader: Reader, passages: Sequence[str]) -> CompletionScores:
    """The last word of each passage, scored after the rest."""
    parts = [passage.strip().rsplit(None, 1) for passage in passages]
    return reader.completions([before for before, _ in parts], [word for _, word in parts])


def auc(right: ArrayLike, scores: ArrayLike) -> float:
    """How often a score of label 1 exceeds one of label 0; 0.5 by chance.

    Args:
        right: (N,) labels, 0 or 1.
        scores: (N,)
    """
    return float(metrics.roc_auc_score(right, scores))


def accuracy(right: ArrayLike, scores: Scores) -> float:
    """How often the right alternative has the highest score.

    Args:
        right: (N,) numbers of alternatives.
        scores: (N, n_alternatives)
    """
    return METRICS["accuracy"](right, scores.argmax(axis=1))


def best_threshold(right: ArrayLike, scores: ArrayLike) -> float:
    """The threshold at or above which label 1 is predicted, with the highest Matthews correlation.

    Args:
        right: (N,) labels, 0 or 1.
        scores: (N,)
    """
    fpr, tpr, thresholds = metrics.roc_curve(right, scores, drop_intermediate=False)
    share = float(np.asarray(right).mean())  # of label 1
    predicted = share * tpr + (1 - share) * fpr  # share of predictions 1 at each threshold
    with np.errstate(
        divide="ignore", invalid="ignore"
    ):  # 0 / 0 where all predictions are the same: their correlation is 0
        matthews = (tpr - fpr) * np.sqrt(share * (1 - share) / (predicted * (1 - predicted)))
    return float(thresholds[np.nanargmax(matthews)])
