"""Writing text: sample the next token, append it, repeat."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from gptrepro.errors import GptreproError
from gptrepro.generation.cache import Continuation
from gptrepro.model.decoder import Decoder
from gptrepro.model.language_model import inference


def keep_top_k(logits: Tensor, k: int) -> Tensor:
    """Rule out all but the ``k`` likeliest tokens (Fan et al. 2018; GPT-2, section 3.6 and its samples).

    (B, n_vocab) -> (B, n_vocab), ``-inf`` where ruled out. Tokens that tie with the k-th stay.
    """
    if k >= logits.shape[-1]:
        return logits
    least = logits.topk(k).values[:, -1:]  # (B, 1)
    return logits.masked_fill(logits < least, -torch.inf)


def keep_top_p(logits: Tensor, p: float) -> Tensor:
    """Rule out all but the nucleus: the fewest likeliest tokens whose probabilities sum to ``p`` or more.

    (B, n_vocab) -> (B, n_vocab), ``-inf`` where ruled out. The likeliest token always stays, and with p = 1
    all do (Holtzman et al. 2020; GPT-3's authors sample with p = 0.9, section 3.9.4 and appendix F).
    """
    if p >= 1:  # sums of rounded probabilities may arrive at 1 before the last token
        return logits
    ordered, order = logits.double().softmax(-1).sort(descending=True)
    mass_before = F.pad(ordered.cumsum(-1)[:, :-1], (1, 0))  # of the tokens likelier than this one
    outside = torch.zeros_like(logits, dtype=torch.bool).scatter(-1, order, mass_before >= p)
    return logits.masked_fill(outside, -torch.inf)


def next_tokens(
    logits: Tensor,
    temperature: float = 0.0,
    top_k: int | None = None,
    top_p: float | None = None,
    generators: Sequence[torch.Generator] = (),
) -> Tensor:
    """Choose one token per row: (B, n_vocab) -> (B,). At temperature 0 the likeliest.

    Each row is drawn with a generator of its own, so that no row changes what another one gets.
    """
    if temperature == 0.0:
        return logits.argmax(-1)
    # The likeliest at 0, so that the smallest temperature overflows to what cannot be drawn and not to NaN.
    logits = (logits.float() - logits.max(dim=-1, keepdim=True).values.float()) / temperature
    if top_k is not None:
        logits = keep_top_k(logits, top_k)
    if top_p is not None:
        logits = keep_top_p(logits, top_p)
    rows = zip(logits.softmax(-1), generators, strict=True)
    return torch.cat([torch.multinomial(row, 1, generator=generator) for row, generator in rows])


def _begin(
    model: Decoder, rows: Sequence[Sequence[int]], wanted: int, context: int | None
) -> tuple[Continuation, int]:
    """What continues the rows, cut to the newest half where they exceed the context, and its room."""
    if context is None:
        return Continuation(model, rows, wanted), wanted
    if max(map(len, rows), default=0) > context:
        rows = [row[-max(1, context // 2) :] for row in rows]
    room = min(wanted, context - max(map(len, rows), default=0))
    return Continuation(model, rows, room), room


def generate(
    model: Decoder,
    prompts: Sequence[Sequence[int]],
    max_new_tokens: int,
    *,
    temperature: float = 0.0,
    top_k: int | None = None,
    top_p: float | None = None,
    stop: Sequence[Sequence[int]] = (),
    until: Callable[[Sequence[int]], bool] | None = None,
    seed: int = 0,
    context: int | None = None,
) -> list[list[int]]:
    """Continue each prompt; prompts of different lengths share a batch and do not influence one another.

    `gptrepro.generation.writing.write` does the same with texts, and stops at texts.

    Args:
        prompts: token ids of each prompt, at least one each.
        max_new_tokens: the most tokens to add to each.
        temperature: 0 for the likeliest token each time; 1 samples from the model; below 1, more cautiously.
        top_k, top_p: what sampling may choose from, `keep_top_k` first; None for everything.
        stop: token sequences that end a continuation, such as ``[[end_of_text]]``.
        until: asked after each token whether the new ones of a row are enough.
        context: tokens that are read at once; where they run out, the newest half is read again and the
            oldest are forgotten. By default all must fit into the model's positions.
        seed: of the samples; row i is drawn with ``seed + i``, whatever stands in the other rows.

    Returns:
        The new tokens of each prompt, without the stop sequence.

    Raises:
        GptreproError: a prompt or a setting makes no sense for this model, or its scores are no numbers.
    """
    if (
        not 0 <= temperature < math.inf
        or (top_k is not None and top_k < 1)
        or (top_p is not None and not 0 < top_p <= 1)
    ):
        raise GptreproError("Sampling needs temperature >= 0, top_k >= 1 and top_p in (0, 1].")
    if max_new_tokens < 0 or not 0 <= seed < 2**63 - len(prompts):
        raise GptreproError("New tokens are 0 or more, and a seed is 0 or more and below 2**63.")
    written: list[list[int]] = [[] for _ in prompts]
    ends: list[int | None] = [None] * len(prompts)
    with inference(model):
        continuation, room = _begin(model, prompts, max_new_tokens, context)
        logits = continuation.logits
        generators = [torch.Generator(logits.device).manual_seed(seed + row) for row in range(len(prompts))]
        for step in range(max_new_tokens):
            if not torch.isfinite(logits).all():
                raise GptreproError("The model's scores are infinite or NaN, so there is no likeliest token.")
            tokens = next_tokens(logits, temperature, top_k, top_p, generators)
            for row, token in enumerate(tokens.tolist()):
                if ends[row] is not None:
                    continue
                written[row].append(token)
                ends[row] = stopped_at(written[row], stop)
                if ends[row] is None and until is not None and until(written[row]):
                    ends[row] = len(written[row])
            if None not in ends or step == max_new_tokens - 1:
                break
            if room > 0:
                logits = continuation.append(tokens)
                room -= 1
            else:
                grown = [[*prompt, *new] for prompt, new in zip(prompts, written, strict=True)]
                continuation, room = _begin(model, grown, max_new_tokens - step - 1, context)
                logits = continuation.logits
    return [row_tokens[:end] for row_tokens, end in zip(written, ends, strict=True)]


def stopped_at(tokens: Sequence[int], stop: Sequence[Sequence[int]]) -> int | None:
    """The length of ``tokens`` without the stop sequence that they end with, or None if with none."""
    endings = [len(ending) for ending in stop if tokens[-len(ending) :] == list(ending)]
    return len(tokens) - max(endings) if endings else None
