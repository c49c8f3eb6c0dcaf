"""Language modelling without training on the text (GPT-2, section 3.1): one likelihood, spread over any unit.

A passage is read after the token that ends a text, in windows of the model's context that follow one another.
All of its tokens are scored, and the sum is divided by what the publishers counted: the bytes, or the words
and line ends, of the text as it was published, whatever form the model read it in. So two forms, and two
tokenizers, can be compared.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch

from gptrepro.errors import GptreproError
from gptrepro.evaluate.likelihood import token_nll
from gptrepro.evaluate.perplexity import evaluate_perplexity
from gptrepro.model.language_model import LanguageModel, inference
from gptrepro.text.samples import Sample
from gptrepro.tokenizer import TextWriter


class PassageScore(NamedTuple):
    """How well a model predicts a passage."""

    nats: float
    """Of all its tokens."""
    n_bytes: int
    """UTF-8 bytes of the published passage."""
    n_words: int
    """Its words, and its line ends as one each, as the field counts."""

    @property
    def bits_per_byte(self) -> float:
        """Bits that an ideal coder with this model would spend on a published byte."""
        return self.nats / math.log(2) / self.n_bytes


def perplexity_per_word(scores: Sequence[PassageScore]) -> float:
    """Of all passages together."""
    return math.exp(sum(score.nats for score in scores) / sum(score.n_words for score in scores))


def score_passage(
    model: LanguageModel, tokenizer: TextWriter, read: str, published: str, context: int
) -> PassageScore:
    """Score what a model reads of a passage.

    Args:
        model: its mode and place are left as they are.
        tokenizer: that of the model.
        read: the passage in the form that the model reads.
        published: the same as it was published.
        context: tokens that the model reads at once.

    Raises:
        GptreproError: the tokenizer has no token that ends a text.
    """
    ids = np.array([_start(tokenizer), *tokenizer.encode(read)], dtype=np.int64)
    found = evaluate_perplexity(model, Sample(ids.astype(np.uint32), 1, 1), context, batch_size=32)
    words = len(published.split()) + published.count("\n") + 1
    return PassageScore(found.nll_per_token * found.tokens, len(published.encode()), words)


def score_pieces(
    model: LanguageModel, pieces: Sequence[Sequence[int]], start: int, context: int, batch_size: int = 32
) -> list[float]:
    """Nats of each piece where pieces follow one another: what order is worth shows in the same tokens.

    Args:
        model: as above.
        pieces: token ids of each.
        start: the id that stands before the first.
        context: tokens that the model reads at once; windows follow one another.
        batch_size: windows that are scored together.
    """
    ids = torch.tensor([start, *(token for piece in pieces for token in piece)])
    n = (len(ids) - 1) // context * context
    whole = [part.view(-1, context) for part in (ids[:n], ids[1 : n + 1])]  # (windows, context) each
    windows = [*zip(*(torch.split(part, batch_size) for part in whole), strict=True)]
    if len(ids) - 1 > n:
        windows.append((ids[None, n:-1], ids[None, n + 1 :]))
    with inference(model):
        nll = torch.cat([token_nll(model, *window).nll.flatten() for window in windows]).double().cpu()
    return [float(part.sum()) for part in torch.split(nll, [len(piece) for piece in pieces])]


def _start(tokenizer: TextWriter) -> int:
    if tokenizer.end_of_text is None:
        raise GptreproError("This tokenizer has no token that ends a text: score with one that has.")
    return tokenizer.end_of_text
