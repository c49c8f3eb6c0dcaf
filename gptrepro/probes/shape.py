"""Counts and shapes of whole models, on the meta device: what comes out, not what the configuration says."""

from __future__ import annotations

import dataclasses
import functools
from typing import Any, cast

import torch
from torch import Tensor

from gptrepro.errors import GptreproError
from gptrepro.model import Decoder
from gptrepro.model.counting import forward_flops_per_token
from gptrepro.model.decoder import Block
from gptrepro.model.init import without_storage
from gptrepro.probes.built import captured, first_block, one_block, reduced, sample_ids, whole
from gptrepro.probes.registry import register
from gptrepro.published import published_model


def _ids(length: int = 2) -> Tensor:
    return torch.zeros(1, length, dtype=torch.long, device="meta")


@functools.cache
def _outline(model: str) -> dict[str, int]:
    """Shapes that are seen on the way through the embedding, the first block and the output layer."""
    decoder = whole(model)
    block = first_block(decoder)
    keep: list[Tensor] = []
    states = decoder.wte(_ids())
    inner, _ = captured(block.mlp.c_proj, lambda: block(states, keep))
    n_heads, d_head = keep[0].shape[-2:]  # (B, T, 3, H, d_head)
    return {
        "d_model": block(states).shape[-1],
        "n_heads": n_heads,
        "d_head": d_head,
        "d_ff": inner.shape[-1],
        "n_vocab": decoder.logits(states).shape[-1],
    }


@register
def blocks(model: str) -> int:
    """How many blocks a forward pass goes through."""
    decoder, passed = reduced(model), []
    handles = [block.register_forward_hook(lambda *_: passed.append(1)) for block in decoder.h]
    try:
        decoder.hidden(sample_ids(2))
    finally:
        for handle in handles:
            handle.remove()
    return len(passed)


@register
def residual_width(model: str) -> int:
    """Last dimension of the states that come out of a block."""
    return _outline(model)["d_model"]


@register
def feed_forward_width(model: str) -> int:
    """Features between the two layers of the feed-forward network."""
    return _outline(model)["d_ff"]


@register
def widening(model: str) -> float:
    """Width of the feed-forward network over the width of the residual stream."""
    return feed_forward_width(model) / residual_width(model)


@register
def vocabulary_rows(model: str) -> int:
    """How many scores the model gives at a position."""
    return _outline(model)["n_vocab"]


@register
def heads(model: str) -> dict[str, int]:
    """Heads and their width: shift one query feature and see how much of the mixture moves."""
    decoder, ids = one_block(model), sample_ids()
    attention = first_block(decoder).attn
    before, _ = captured(attention.c_proj, lambda: decoder.hidden(ids))
    with torch.no_grad():
        attention.c_attn.bias[0] += 10.0
        after, _ = captured(attention.c_proj, lambda: decoder.hidden(ids))
        attention.c_attn.bias[0] -= 10.0
    moved = int(((before - after).abs().amax(dim=(0, 1)) > 1e-7).sum())
    return {"heads": before.shape[-1] // moved, "d_head": moved}


@register
@functools.cache
def longest_input(model: str) -> int:
    """The longest sequence that the model accepts, found by bisection on one block."""
    with without_storage():
        decoder = Decoder(dataclasses.replace(published_model(model).decoder, n_layers=1))

    def accepts(length: int) -> bool:
        try:
            decoder.hidden(_ids(length))
        except (GptreproError, IndexError, RuntimeError):
            return False
        return True

    low, high = 1, 256
    while accepts(high):
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if accepts(middle) else (low, middle)
    return low


@register
def parameter_count(model: str) -> dict[str, int]:
    """Parameters of the whole model: all, in the blocks, and in either embedding."""
    decoder = whole(model)
    return {
        "total": sum(p.numel() for p in decoder.parameters()),
        "blocks_only": sum(p.numel() for p in decoder.h.parameters()),
        "token_emb": decoder.wte.weight.numel(),
        "pos_emb": decoder.wpe.weight.numel(),
    }


@register
def parameters(model: str) -> int:
    """Parameters of the whole model."""
    return parameter_count(model)["total"]


@register
def parameters_in_blocks(model: str) -> int:
    """Parameters of the blocks alone."""
    return parameter_count(model)["blocks_only"]


@register
def size(model: str) -> dict[str, Any]:
    """One row of a table of sizes: blocks, width, heads and their width, parameters, and times GPT-1."""
    outline = _outline(model)
    return {
        "layers": blocks(model),
        "d_model": outline["d_model"],
        "n_heads": outline["n_heads"],
        "d_head": outline["d_head"],
        "parameters": parameters(model),
        "times_gpt1": _times(model, "gpt1"),
    }


def _times(model: str, other: str) -> float:
    return round(parameters(model) / parameters(other), 1)


@register
def times_gpt1(model: str) -> dict[str, Any]:
    """Parameters over those of GPT-1, and whether that is more than an order of magnitude."""
    return {"more_than_10": _times(model, "gpt1") > 10, "times": _times(model, "gpt1")}


@register
def times_gpt2(model: str) -> dict[str, Any]:
    """Parameters over those of the largest GPT-2, and whether that is more than two orders of magnitude."""
    return {"more_than_100": _times(model, "gpt2-1558m") > 100, "times": _times(model, "gpt2-1558m")}


@register
def matrix_weights(model: str) -> float:
    """Weights in the matrices of the blocks, over layers times squared width."""
    weights = sum(p.numel() for p in whole(model).h.parameters() if p.ndim == 2)
    return weights / (blocks(model) * residual_width(model) ** 2)


@register
def banding(model: str) -> dict[str, Any]:
    """The model beside its twin whose attention is dense everywhere: parameters, and cost of a token."""
    config = published_model(model).decoder
    twin = dataclasses.replace(config, attention=("dense",), window=None)
    with without_storage():
        dense = Decoder(twin)
    cost, dense_cost = (forward_flops_per_token(c, c.n_ctx) for c in (config, twin))
    return {
        "same_parameters": sum(p.numel() for p in dense.parameters()) == parameters(model),
        "saves_compute": cost < dense_cost,
        "saved_pct": round(100 * (1 - cost / dense_cost), 1),
    }


@register
def flops_per_parameter(model: str) -> dict[str, float]:
    """Matrix-product operations of a token for each weight of a block, counted while one block runs.

    The count is that of ``torch.utils.flop_counter`` on one block of the published width.
    """
    from torch.utils.flop_counter import FlopCounterMode

    block = cast(Block, one_block(model).h[0])
    weights = sum(p.numel() for p in block.parameters() if p.ndim == 2)
    length = 8
    states = torch.randn(1, length, residual_width(model), generator=torch.Generator().manual_seed(0))
    states.requires_grad_(True)

    def products(counter: FlopCounterMode) -> float:
        counts = counter.get_flop_counts()["Global"]
        return sum(n for operator, n in counts.items() if "mm" in str(operator)) / (length * weights)

    with FlopCounterMode(display=False) as forward:
        out = block(states)
    with FlopCounterMode(display=False) as backward:
        torch.autograd.backward(out.sum())
    block.zero_grad(set_to_none=True)
    return {"forward": round(products(forward), 3), "train": round(products(forward) + products(backward), 3)}


def forget() -> None:
    """Forget what was measured, after a change to the published models."""
    _outline.cache_clear()
    longest_input.cache_clear()
