"""Perplexity of running text, per token, word and byte.

Perplexities per token of two tokenizers cannot be compared, since their tokens differ in length; per
word and per byte they can. GPT-2 (Radford et al. 2019, section 3.1) reports its results so.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gptrepro.errors import GptreproError
from gptrepro.evaluate.likelihood import token_nll
from gptrepro.model.language_model import LanguageModel, device_of, inference
from gptrepro.model.loss import IGNORED_TARGET


class TokenStream(Protocol):
    """What perplexity needs of token shards."""

    @property
    def tokens(self) -> NDArray[np.unsignedinteger]:
        """(n_tokens,) token ids."""
        ...

    @property
    def n_tokens(self) -> int:
        """Tokens in the stream."""
        ...

    @property
    def n_bytes(self) -> int:
        """UTF-8 bytes of the text that the tokens encode."""
        ...

    @property
    def n_words(self) -> int:
        """Words of that text, separated by white space."""
        ...


@dataclass(frozen=True)
class Perplexity:
    """How well a model predicts a text."""

    nll_per_token: float
    """Mean negative log-likelihood, in nats per token."""
    tokens: int
    """Tokens scored."""
    words: float
    """Words that the scored tokens amount to."""
    bytes: float
    """UTF-8 bytes that the scored tokens amount to."""
    window_nll: list[float]
    """The mean negative log-likelihood of each window's scored tokens, in order: items to bootstrap over."""

    @property
    def perplexity_per_token(self) -> float:
        """The exponential of the mean negative log-likelihood."""
        return _exp(self.nll_per_token)

    @property
    def perplexity_per_word(self) -> float:
        """Total negative log-likelihood spread over the words."""
        return _exp(self.nll_per_token * self.tokens / self.words)

    @property
    def perplexity_per_byte(self) -> float:
        """Total negative log-likelihood spread over the bytes."""
        return _exp(self.nll_per_token * self.tokens / self.bytes)

    @property
    def bits_per_byte(self) -> float:
        """Bits that an ideal coder with this model would spend on a byte of the text."""
        return self.nll_per_token * self.tokens / self.bytes / math.log(2)


def evaluate_perplexity(
    model: LanguageModel,
    shards: TokenStream,
    context: int,
    stride: int | None = None,
    limit_tokens: int | None = None,
    batch_size: int = 8,
) -> Perplexity:
    """Score every token but the first, each exactly once, in windows of ``context`` tokens.

    Without ``stride`` the windows follow one another, and a token sees on average half a window of its
    past. With it, windows overlap: each moves on by ``stride`` tokens and scores only the tokens that
    the one before did not, so that all but the first window's see at least ``context - stride`` tokens:

        tokens      a b c d e f g h        context 4, stride 2; capitals are scored
        window 1    a B C D E              a b c d -> B C D E
        window 2        c d e F G          c d e f -> (d e) F G
        window 3            e f g H        e f g   -> (f g) H

    Words and bytes are those of the whole text in proportion to the tokens scored: with
    ``limit_tokens``, which scores the first so many tokens only, that is an estimate.

    Args:
        model: its mode and place are left as they are.
        shards: the text; see `TokenStream`.
        context: tokens that the model reads at once.
        stride: tokens by which overlapping windows move; between 1 and ``context``.
        limit_tokens: score within the first so many tokens only.
        batch_size: windows that are scored together.

    Raises:
        GptreproError: fewer than 2 tokens, or a stride that is out of range.
    """
    step = context if stride is None else stride
    if not 1 <= step <= context:
        raise GptreproError(f"The stride must lie between 1 and the context of {context}, not {step}.")
    available = shards.n_tokens if limit_tokens is None else min(shards.n_tokens, limit_tokens)
    require_scorable(available)

    totals: list[Tensor] = []
    counts: list[int] = []
    with inference(model):
        for ids, targets in _batches(shards.tokens[:available], context, step, batch_size):
            totals.append(token_nll(model, ids, targets).nll.double().sum(1))
            counts += (targets != IGNORED_TARGET).sum(1).tolist()
    sums = torch.cat(totals).tolist()

    scored = sum(counts)
    return Perplexity(
        nll_per_token=math.fsum(sums) / scored,
        tokens=scored,
        words=shards.n_words * scored / shards.n_tokens,
        bytes=shards.n_bytes * scored / shards.n_tokens,
        window_nll=[total / count for total, count in zip(sums, counts, strict=True)],
    )


def require_scorable(n_tokens: int) -> None:
    """Find out whether a text is long enough for a perplexity, which scores every token but the first.

    Raises:
        GptreproError: it has fewer than 2 tokens.
    """
    if n_tokens < 2:
        raise GptreproError("Perplexity needs at least 2 tokens: give it a longer text.")


def loss_by_position(
    model: LanguageModel, text: TokenStream, window: int, batch_size: int = 32
) -> NDArray[np.float64]:
    """Mean negative log-likelihood at each position of windows that follow one another, in nats: (window,).

    What stands at index ``p`` is the loss of the token that follows the first ``p + 1`` tokens of a window;
    the last, incomplete window is left out.
    """
    n = (text.n_tokens - 1) // window
    ids = torch.from_numpy(text.tokens[: n * window + 1].astype(np.int64))
    inputs, targets = (torch.split(part.view(n, window), batch_size) for part in (ids[:-1], ids[1:]))
    total = torch.zeros(window, dtype=torch.float64, device=device_of(model))
    with inference(model):
        for some, wanted in zip(inputs, targets, strict=True):
            total += token_nll(model, some, wanted).nll.sum(0)
    found: NDArray[np.float64] = (total / n).cpu().numpy()
    return found


def _windows(n_tokens: int, context: int, step: int) -> Iterator[tuple[int, int, int]]:
    """(first, end, scored from): a window reads tokens [first, end) and scores [scored from, end]."""
    scored = 1
    first = 0
    while scored < n_tokens:
        end = min(first + context, n_tokens - 1)
        yield first, end, scored
        scored = end + 1
        first += step


def _batches(
    tokens: NDArray[np.unsignedinteger], context: int, step: int, batch_size: int
) -> Iterator[tuple[Tensor, Tensor]]:
    """Windows of one length together: (B, T) ids and the tokens that follow, ignored where unscored."""
    ids: list[Tensor] = []
    targets: list[Tensor] = []
    for first, end, scored in _windows(len(tokens), context, step):
        window = torch.from_numpy(tokens[first : end + 1].astype(np.int64))
        if ids and (len(ids) == batch_size or len(window) - 1 != len(ids[0])):
            yield torch.stack(ids), torch.stack(targets)
            ids, targets = [], []
        target = window[1:].clone()
        target[: scored - 1 - first] = IGNORED_TARGET
        ids.append(window[:-1])
        targets.append(target)
    yield torch.stack(ids), torch.stack(targets)


def _exp(nats: float) -> float:
    """The exponential, infinite where a float cannot hold it."""
    return math.inf if nats > math.log(sys.float_info.max) else math.exp(nats)
