"""How a published training would run: its schedule, optimiser, batches and order of the data.

The schedule is run over updates or tokens, the optimiser is built and takes a step; what a paper leaves
unsaid cannot be probed and says so.
"""

from __future__ import annotations

import dataclasses
import math
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from gptrepro.errors import GptreproError
from gptrepro.probes.built import reduced, sample_ids
from gptrepro.probes.registry import register
from gptrepro.probes.shape import size
from gptrepro.published import PUBLISHED, published_model
from gptrepro.text.batches import Batches
from gptrepro.train.loop import train
from gptrepro.train.optimizer import build_optimizer
from gptrepro.train.settings import TrainSettings


def _settings(model: str) -> TrainSettings:
    settings = published_model(model).recipe.settings
    if settings is None:
        raise GptreproError(f"The paper of {model} does not report how it was trained.")
    return settings


def _rate(settings: TrainSettings, tokens: int) -> float:
    """The rate of the update that brings the total to ``tokens``, at full batches."""
    return settings.learning_rate(tokens // (settings.batch_size * settings.context), tokens)


@register
def learning_rate_points(model: str) -> dict[str, float]:
    """The schedule, run: its peak, the update of the peak, and where it ends."""
    settings = _settings(model)
    tokens = settings.batch_size * settings.context
    early = [settings.learning_rate(update, update * tokens) for update in range(1, 4001)]
    peak = max(early)
    return {
        "max_lr": peak,
        "warmup_updates": early.index(peak) + 1,
        "final_lr": settings.learning_rate(settings.steps, settings.tokens),
    }


@register
def schedule_in_tokens(model: str) -> dict[str, float]:
    """The schedule, run over tokens: end of the warm-up, start of the floor, the floor, and the end."""
    settings = _settings(model)
    total = settings.tokens
    final = _rate(settings, total)
    low, high = 0, total  # the first token count from which the rate stays at its last value, by bisection
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if _rate(settings, middle) <= final * (1 + 1e-9) else (middle, high)
        if _rate(settings, low) < final:  # still in the warm-up
            low = middle
    floor_start = high
    grid = [total // 4000 * k for k in range(1, 4001)]
    coarse = max(grid, key=lambda tokens: _rate(settings, tokens))
    fine = range(max(1, coarse - total // 2000), coarse + total // 2000, max(1, total // 1_000_000))
    warmup = max(fine, key=lambda tokens: _rate(settings, tokens))
    return {
        "warmup_tokens": warmup,
        "decay_tokens": floor_start,
        "final_fraction": round(final / _rate(settings, warmup), 3),
        "total_tokens": total,
    }


def training_row(model: str) -> dict[str, float]:
    """Peak rate and tokens of a full batch, from the schedule run over the whole training."""
    settings = _settings(model)
    total = settings.tokens
    peak = max(_rate(settings, total // 20_000 * k) for k in range(1, 20_001))
    return {"lr": round(peak, 7), "batch_tokens": settings.sequences(total) * settings.context}


@register
def row_of_sizes(model: str) -> dict[str, Any]:
    """One row of GPT-3's Table 2.1: the model's shape, and rate and batch from the running schedule."""
    return size(model) | training_row(model)


@register
def training_tokens(model: str) -> float:
    """Tokens of all updates together."""
    settings = _settings(model)
    return float(settings.tokens)


@register
def batch(model: str) -> dict[str, int]:
    """Sequences, their length and tokens of one update."""
    settings = _settings(model)
    return {
        "sequences": settings.sequences(0),
        "tokens_per_sequence": settings.context,
        "tokens_per_update": settings.sequences(0) * settings.context,
    }


def _tokens_until_full(settings: TrainSettings) -> int:
    """Tokens seen when the batch has reached its full size, by bisection."""
    low, high = 0, settings.tokens
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if settings.sequences(middle) == settings.batch_size else (middle, high)
    return high


@register
def batch_ramps() -> dict[str, Any]:
    """The batch of every GPT-3 model, run over its training.

    Tokens of the largest first batch, tokens of the shortest and the longest ramp, and whether each ramp is
    a straight line: at eight points of it the batch is within a sequence of the chord.
    """
    trainings = [_settings(name) for name, model in PUBLISHED.items() if model.paper == "gpt3"]
    lengths = [_tokens_until_full(settings) for settings in trainings]
    straight = True
    for settings, length in zip(trainings, lengths, strict=True):
        first = settings.sequences(0)
        chord = [first + (settings.batch_size - first) * eighth / 8 for eighth in range(9)]
        batches = [settings.sequences(length * eighth // 8) for eighth in range(9)]
        straight &= all(abs(a - b) <= 1 for a, b in zip(chord, batches, strict=True))
    return {
        "start_tokens": max(settings.sequences(0) * settings.context for settings in trainings),
        "ramp_from": min(lengths),
        "ramp_to": max(lengths),
        "grows_evenly": straight,
    }


@register
def adam_moments(model: str) -> dict[str, float]:
    """Moments and epsilon of the optimiser that is built."""
    group = build_optimizer(reduced(model), _settings(model)).param_groups[0]
    return {"beta1": group["betas"][0], "beta2": group["betas"][1], "eps": group["eps"]}


@register
def weight_decay(model: str) -> float:
    """What one update with zero gradient takes off a matrix, as a share of the learning rate.

    Biases and gains must stay as they are, or the probe returns nan.
    """
    decoder, settings = reduced(model), _settings(model)
    kept = {name: p.detach().clone() for name, p in decoder.named_parameters()}
    optimizer = build_optimizer(decoder, settings)
    for p in decoder.parameters():
        p.grad = torch.zeros_like(p)
    optimizer.step()
    moved = {name: p.detach().clone() for name, p in decoder.named_parameters()}
    with torch.no_grad():
        for name, p in decoder.named_parameters():
            p.copy_(kept[name])
            p.grad = None
    if any(not torch.equal(moved[name], old) for name, old in kept.items() if old.ndim < 2):
        return math.nan
    name = "h.0.mlp.c_fc.weight"
    share = 1 - float((moved[name].double() / kept[name].double()).median())
    return round(share / settings.peak_lr, 2)


class _Steep(nn.Module):
    """A loss so steep that its gradient is far above any limit."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(64))

    def loss(self, ids: Tensor, targets: Tensor) -> Tensor:
        return 1e4 * self.weight.sum()


class _Stream:
    """As much of a token stream as a batch source asks for."""

    def __init__(self, tokens: list[int]) -> None:
        self.tokens = np.array(tokens, dtype=np.uint16)
        self.digest = "0" * 64


@register
def gradient_clip(model: str) -> float:
    """The norm of the gradient that reaches the optimiser from a loss that is far too steep.

    One real update of the training loop; the optimiser's first moment, which starts at zero, tells what
    gradient it was given.
    """
    settings = dataclasses.replace(
        _settings(model),
        steps=1,
        batch_size=1,
        context=4,
        warmup_steps=1,
        ramp_batch_size=None,
        ramp_tokens=None,
        precision="fp32",
    )
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        batches = Batches(_Stream(list(range(40))), 1, 4, seed=0)
        train(_Steep(), batches, settings, folder, device="cpu", progress=False)
        moments = load_file(folder / "checkpoints" / "step-00000001" / "training.safetensors")
    given = moments["weight.exp_avg"] / (1 - adam_moments(model)["beta1"])
    return round(float(given.norm()), 3)


@register
def reads_without_replacement() -> dict[str, Any]:
    """How often the windows of a text are read in one epoch, and whether the next epoch reorders them."""
    context, n_windows = 8, 50
    batches = Batches(_Stream(list(range(context * (n_windows + 1)))), 1, context, seed=0)
    starts: list[list[int]] = [[], []]
    for epoch in starts:
        while len(epoch) < n_windows:
            epoch.append(int(batches.take(1)[0, 0]) // context)
    return {
        "windows": n_windows,
        "read_once_in_an_epoch": len(set(starts[0])) == n_windows,
        "reordered_in_the_next": starts[0] != starts[1],
    }


@register
def packing() -> dict[str, bool]:
    """Whether windows are always full, hold several documents, and attention crosses their border."""
    context, end_of_text = 32, 0
    documents = [[5, 6, 7, 8, 9, end_of_text]] * 40
    batches = Batches(_Stream([token for document in documents for token in document]), 4, context, seed=0)
    ids = batches.next()[0]
    decoder = reduced("gpt3-small")
    changed = sample_ids(8)
    changed[0, 4] = end_of_text
    with torch.no_grad():
        before = decoder.hidden(changed)[0, -1]
        changed[0, 0] += 100
        moved = (decoder.hidden(changed)[0, -1] - before).abs().max()
    return {
        "full_windows": tuple(ids.shape) == (4, context),
        "several_documents": bool(((ids == end_of_text).sum(-1) > 1).all()),
        "attention_crosses_documents": float(moved) > 1e-7,
    }
