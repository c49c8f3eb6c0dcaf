"""What holds by construction, measured on the thing that was built.

Each function probes a model, a schedule or an optimiser from outside (shapes that come out, values that
go in and come out) and never reads the configuration that built it, so that a mistake in the code shows.
Behaviour is probed on a one-block model of the published widths; only shapes and counts need the whole
model, which is then built on the meta device, without storage.
"""

from __future__ import annotations

import dataclasses
import functools
import math
from collections.abc import Callable
from typing import Any, cast

import torch
from torch import Tensor, nn

from gptrepro.errors import GptreproError
from gptrepro.model import Decoder
from gptrepro.model.decoder import Block
from gptrepro.published import published_model
from gptrepro.train import TrainSettings
from gptrepro.train.optimizer import build_optimizer

Probe = Callable[[str], Any]

PROBES: dict[str, Probe] = {}
"""The probes by name; each takes the name of a published model."""


def _probe(function: Probe) -> Probe:
    PROBES[function.__name__] = function
    return function


@functools.cache
def _shapes(model: str) -> Decoder:
    """The whole model without storage."""
    with torch.device("meta"):
        return Decoder(published_model(model).decoder)


@functools.cache
def one_block(model: str) -> Decoder:
    """The model cut to one block and 512 tokens of vocabulary, with real weights, in evaluation mode."""
    config = published_model(model).decoder
    with torch.random.fork_rng([]):
        torch.manual_seed(0)
        return Decoder(dataclasses.replace(config, n_layers=1, n_vocab=512)).eval()


def _block(model: str) -> Block:
    return cast(Block, one_block(model).h[0])


def _settings(model: str) -> TrainSettings:
    settings = published_model(model).recipe.settings
    if settings is None:
        raise GptreproError(f"The paper of {model} does not report how it was trained.")
    return settings


def _captured(module: nn.Module, run: Callable[[], object]) -> tuple[Tensor, Tensor]:
    """Input and output of ``module`` while ``run`` runs."""
    seen: list[tuple[Tensor, Tensor]] = []
    handle = module.register_forward_hook(lambda _, inputs, output: seen.append((inputs[0], output)))
    try:
        with torch.no_grad():
            run()
    finally:
        handle.remove()
    return seen[0]


def _sample_ids(length: int = 16) -> Tensor:
    return torch.arange(1, length + 1)[None]  # (1, length)


@_probe
def blocks(model: str) -> int:
    """How many blocks a forward pass goes through."""
    decoder, passed = _shapes(model), []
    handles = [block.register_forward_hook(lambda *_: passed.append(1)) for block in decoder.h]
    try:
        decoder.hidden(torch.zeros(1, 2, dtype=torch.long, device="meta"))
    finally:
        for handle in handles:
            handle.remove()
    return len(passed)


@_probe
def residual_width(model: str) -> int:
    """Last dimension of the states that come out."""
    return _shapes(model).hidden(torch.zeros(1, 2, dtype=torch.long, device="meta")).shape[-1]


@_probe
def heads(model: str) -> dict[str, int]:
    """Heads and their width: shift one query feature and see how much of the mixture moves."""
    decoder, ids = one_block(model), _sample_ids()
    attention = _block(model).attn
    before, _ = _captured(attention.c_proj, lambda: decoder.hidden(ids))
    with torch.no_grad():
        attention.c_attn.bias[0] += 10.0
        after, _ = _captured(attention.c_proj, lambda: decoder.hidden(ids))
        attention.c_attn.bias[0] -= 10.0
    moved = int(((before - after).abs().amax(dim=(0, 1)) > 1e-7).sum())
    return {"heads": before.shape[-1] // moved, "d_head": moved}


@_probe
def feed_forward_width(model: str) -> int:
    """Features between the two layers of the feed-forward network."""
    decoder = one_block(model)
    inner, _ = _captured(_block(model).mlp.c_proj, lambda: decoder.hidden(_sample_ids()))
    return inner.shape[-1]


@_probe
def longest_input(model: str) -> int:
    """The longest sequence that the model accepts, found by bisection."""
    with torch.device("meta"):
        decoder = Decoder(dataclasses.replace(published_model(model).decoder, n_layers=1))

    def accepts(length: int) -> bool:
        try:
            decoder.hidden(torch.zeros(1, length, dtype=torch.long, device="meta"))
        except (GptreproError, IndexError, RuntimeError):
            return False
        return True

    low, high = 1, 2
    while accepts(high):
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if accepts(middle) else (low, middle)
    return low


@_probe
def norm_placement(model: str) -> str:
    """``post`` where a block returns normalised states, ``pre`` where the residual stream passes it as is."""
    decoder = one_block(model)
    block = _block(model)
    width = decoder.wte.weight.shape[1]
    x = torch.randn(1, 8, width, generator=torch.Generator().manual_seed(0)) * 7 + 3
    with torch.no_grad():
        y: Tensor = block(x)
    if float(y.mean(-1).abs().max()) < 1e-4 and float((y.var(-1, correction=0) - 1).abs().max()) < 1e-2:
        return "post"
    return "pre" if float((y - x).abs().max()) < 0.2 * float(x.abs().max()) else "neither"


@_probe
def norm_epsilon(model: str) -> float:
    """Epsilon solved from what layer norm does to a signal of tiny variance."""
    norm = _block(model).ln_1
    width = norm.weight.shape[0]
    x = 1e-3 * torch.tensor([1.0, -1.0], dtype=torch.float64).repeat(width // 2)  # mean 0, variance 1e-6
    with torch.no_grad():
        y = nn.functional.layer_norm(x, (width,), norm.weight.double(), norm.bias.double(), norm.eps)
    return float(f"{float((x[0] / y[0]) ** 2 - x[0] ** 2):.3g}")


@_probe
def gelu_constant(model: str) -> float:
    """The cubic constant of the tanh-GELU, solved from one value of the activation (nan if exact GELU)."""
    x = torch.tensor([1.0], dtype=torch.float64)
    y = _block(model).mlp.activation(x)
    argument = torch.atanh(2 * y / x - 1)
    return round(float((argument / math.sqrt(2 / math.pi) - x) / x**3), 6)


@_probe
def position_table(model: str) -> dict[str, Any]:
    """Rows, width and learnability of the position embedding: does a loss reach it by gradient?"""
    decoder = one_block(model)
    ids = _sample_ids()
    decoder.zero_grad()
    torch.autograd.backward(decoder.loss(ids[:, :-1], ids[:, 1:]))
    gradient = decoder.wpe.weight.grad
    learned = gradient is not None and bool((gradient[: ids.shape[1] - 1].abs().sum(-1) > 0).all())
    decoder.zero_grad()
    rows, width = decoder.wpe.weight.shape
    return {"rows": rows, "width": width, "learned": learned}


@_probe
def output_is_token_embedding(model: str) -> bool:
    """Double one row of the token embedding and see whether just that token's logit doubles."""
    decoder, ids, token = one_block(model), _sample_ids(), 400
    with torch.no_grad():
        before = decoder(ids)
        decoder.wte.weight[token] *= 2
        after = decoder(ids)
        decoder.wte.weight[token] /= 2
    others = torch.arange(before.shape[-1]) != token
    return bool(
        torch.allclose(after[..., token], 2 * before[..., token], rtol=1e-5)
        and torch.equal(after[..., others], before[..., others])
    )


@_probe
def parameter_count(model: str) -> dict[str, int]:
    """Parameters of the whole model: all, in the blocks, and in either embedding."""
    decoder = _shapes(model)
    return {
        "total": sum(p.numel() for p in decoder.parameters()),
        "blocks_only": sum(p.numel() for p in decoder.h.parameters()),
        "token_emb": decoder.wte.weight.numel(),
        "pos_emb": decoder.wpe.weight.numel(),
    }


@_probe
def initial_weights(model: str) -> dict[str, float]:
    """Mean and standard deviation of all matrices of a fresh block, to three decimals."""
    block = _block(model)
    values = torch.cat([p.detach().flatten() for p in block.parameters() if p.ndim == 2])
    return {"mean": abs(round(float(values.mean()), 3)), "std": round(float(values.std()), 3)}


@_probe
def dropout(model: str) -> float:
    """Share of the embeddings that training mode sets to zero, to two decimals."""
    decoder = one_block(model)
    with torch.random.fork_rng([]):
        torch.manual_seed(0)
        decoder.train()
        entering, _ = _captured(decoder.h[0], lambda: decoder.hidden(torch.arange(256)[None]))
        decoder.eval()
    return round(float((entering == 0).float().mean()), 2)


@_probe
def learning_rate_points(model: str) -> dict[str, float]:
    """The schedule, run: its peak, the update of the peak, and where it ends."""
    settings = _settings(model)
    tokens = settings.batch_size * settings.context
    early = [settings.learning_rate(update, update * tokens) for update in range(1, 4001)]
    peak = max(early)
    return {
        "max_lr": peak,
        "warmup_updates": early.index(peak) + 1,
        "final_lr": settings.learning_rate(settings.steps, settings.steps * tokens),
    }


@_probe
def batch(model: str) -> dict[str, int]:
    """Sequences, their length and tokens of one update."""
    settings = _settings(model)
    return {
        "sequences": settings.sequences(0),
        "tokens_per_sequence": settings.context,
        "tokens_per_update": settings.sequences(0) * settings.context,
    }


@_probe
def adam_moments(model: str) -> dict[str, float]:
    """Moments and epsilon of the optimiser that is built."""
    group = build_optimizer(one_block(model), _settings(model)).param_groups[0]
    return {"beta1": group["betas"][0], "beta2": group["betas"][1], "eps": group["eps"]}


@_probe
def weight_decay(model: str) -> float:
    """What one update with zero gradient takes off a matrix, as a share of the learning rate.

    Biases and gains must stay as they are, or the probe returns nan.
    """
    decoder = one_block(model)
    settings = _settings(model)
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
    return round(share / settings.peak_lr, 3)


@_probe
def gradient_clip(model: str) -> float | None:
    """The largest gradient norm that an update uses."""
    return _settings(model).clip_norm


def probe(name: str, model: str) -> Any:
    """Run one probe on one published model.

    Raises:
        GptreproError: there is no such probe or model.
    """
    if name not in PROBES:
        raise GptreproError(f"There is no probe '{name}': choose {', '.join(PROBES)}.")
    return PROBES[name](model)
