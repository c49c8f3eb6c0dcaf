"""How likely a language model finds tokens: the one place where evaluation reads its output layer.

At GPT-2's vocabulary the logits of 64 windows of 1,024 tokens take 13 GB. So states are computed for all
positions, the output layer only for those that are scored, and of these only a chunk at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from gptrepro.generation.cache import Continuation
from gptrepro.model import Decoder
from gptrepro.model.language_model import LanguageModel, device_of
from gptrepro.model.loss import CHUNK, IGNORED_TARGET

GPU_CHUNK = 8192
"""Positions whose logits are computed together on a GPU, which is slower on fewer."""


class TokenScores(NamedTuple):
    """What a model makes of tokens; on the model's device."""

    nll: Tensor
    """Negative log-likelihoods in nats, fp32; 0 where a target is ignored."""
    greedy: Tensor
    """Whether each target is the likeliest token; true where it is ignored."""


def token_nll(model: LanguageModel, ids: Tensor, targets: Tensor) -> TokenScores:
    """Score each target after the tokens up to its position; call it within `inference`.

    Args:
        model: in evaluation mode; ids and targets are moved to where it lies.
        ids: (B, T) int64.
        targets: (B, T) int64, `IGNORED_TARGET` where nothing is scored. Best left on the CPU, which knows
            without a wait how many there are.

    Returns:
        Scores of shape (B, T).
    """
    device = device_of(model)
    flat = targets.flatten()  # (B * T,)
    scored = (flat != IGNORED_TARGET).nonzero().squeeze(-1)  # (N,)
    places, true = scored.to(device), flat[scored].to(device)
    hidden = model.hidden(ids.to(device)).flatten(0, 1)[places]  # (N, d_model)
    nll = torch.zeros(len(flat), device=device)
    greedy = torch.ones(len(flat), device=device, dtype=torch.bool)
    size = GPU_CHUNK if device.type == "cuda" else CHUNK
    for start in range(0, len(scored), size):
        rows = slice(start, start + size)
        nll[places[rows]], greedy[places[rows]] = _of_logits(model.logits(hidden[rows]), true[rows])
    return TokenScores(nll.view(targets.shape), greedy.view(targets.shape))


def ends_nll(model: LanguageModel, sequences: Sequence[Sequence[int]], starts: Sequence[int]) -> TokenScores:
    """Score the ends of sequences; call it within `inference`.

    Args:
        model: in evaluation mode.
        sequences: B lists of ids.
        starts: the first scored token of each, at least 1.

    Returns:
        Scores of shape (B, T - 1), T the length of the longest: at ``t``, those of a sequence's token t + 1.
    """
    return token_nll(model, *_laid_out(sequences, starts))


def branches_nll(model: Decoder, sequences: Sequence[Sequence[int]], starts: Sequence[int]) -> TokenScores:
    """`ends_nll`, but the beginning that all sequences have in common is read only once.

    That saves work where the beginning is long, such as a prompt with examples, and the rest is short.
    """
    shared = _shared_beginning(sequences, min(starts))
    if not shared:
        return ends_nll(model, sequences, starts)
    ids, targets = (part.to(device_of(model)) for part in _laid_out(sequences, starts))
    continuation = Continuation(model, [sequences[0][:shared]], ids.shape[1] - shared)
    rows = torch.zeros_like(ids[:, 0])
    continuation.reorder(rows)
    found = [
        _of_logits(
            continuation.append(ids[:, place]) if place >= shared else continuation.logits[rows],
            targets[:, place],
        )
        for place in range(shared - 1, ids.shape[1])
    ]
    nll, greedy = (torch.stack(part, dim=1) for part in zip(*found, strict=True))  # (B, T - shared)
    return TokenScores(F.pad(nll, (shared - 1, 0)), F.pad(greedy, (shared - 1, 0), value=True))


def _laid_out(sequences: Sequence[Sequence[int]], starts: Sequence[int]) -> tuple[Tensor, Tensor]:
    """(B, T - 1) ids and (B, T - 1) targets; behind its end a shorter sequence goes on with anything."""
    shape = (len(sequences), max(map(len, sequences)) - 1)
    ids = torch.zeros(shape, dtype=torch.int64)
    targets = torch.full(shape, IGNORED_TARGET)
    for row, (sequence, start) in enumerate(zip(sequences, starts, strict=True)):
        ids[row, : len(sequence) - 1] = torch.tensor(sequence[:-1])
        targets[row, start - 1 : len(sequence) - 1] = torch.tensor(sequence[start:])
    return ids, targets


def _of_logits(logits: Tensor, targets: Tensor) -> TokenScores:
    """(N, n_vocab) and (N,) -> (N,) each; in fp32, whatever the model computes in."""
    nll = F.cross_entropy(logits.float(), targets, ignore_index=IGNORED_TARGET, reduction="none")
    return TokenScores(nll, (logits.argmax(-1) == targets) | (targets == IGNORED_TARGET))


def _shared_beginning(sequences: Sequence[Sequence[int]], most: int) -> int:
    """How many first tokens all sequences have in common, up to ``most``."""
    for place, tokens in enumerate(zip(*sequences, strict=False)):
        if place == most or len(set(tokens)) > 1:
            return place
    return min(most, *map(len, sequences))
