"""How a decoder behaves: what moves when its input or one of its weights is moved.

Behaviour does not depend on the width, so these probes look at `reduced` copies of the published models.
"""

from __future__ import annotations

import math
from typing import Any, cast

import torch
from torch import Tensor, nn

from gptrepro.model import Decoder
from gptrepro.model.decoder import Block
from gptrepro.probes.built import captured, first_block, reduced, sample_ids, whole
from gptrepro.probes.registry import register

MOVED = 1e-7
"""A state that moved by less has not moved: rounding alone is smaller."""


def _is_normalised(states: Tensor) -> bool:
    mean = float(states.mean(-1).abs().max())
    variance = float((states.var(-1, correction=0) - 1).abs().max())
    return mean < 1e-4 and variance < 0.05


@register
def norm_placement(model: str) -> str:
    """``post`` where a block returns normalised states, ``pre`` where the residual stream passes it as is."""
    block = first_block(reduced(model))
    width = block.ln_1.weight.shape[0]
    x = torch.randn(1, 8, width, generator=torch.Generator().manual_seed(0)) * 7 + 3
    with torch.no_grad():
        y: Tensor = block(x)
    if _is_normalised(y):
        return "post"
    return "pre" if float((y - x).abs().max()) < 0.2 * float(x.abs().max()) else "neither"


@register
def block_order(model: str) -> list[str]:
    """The parts of a block in the order in which a forward pass enters them."""
    block, entered = first_block(reduced(model)), []
    names = {"ln_1": "norm", "attn": "attention", "ln_2": "norm", "mlp": "feed-forward"}
    handles = [
        getattr(block, part).register_forward_hook(lambda *_, name=name: entered.append(name))
        for part, name in names.items()
    ]
    try:
        reduced(model).hidden(sample_ids())
    finally:
        for handle in handles:
            handle.remove()
    return entered


@register
def norms_of_a_block(model: str) -> dict[str, bool]:
    """Whether a block hands on normalised states, and whether its first part is a norm."""
    return {
        "after_each_addition": norm_placement(model) == "post",
        "at_the_start": block_order(model)[0] == "norm",
    }


@register
def final_norm(model: str) -> bool:
    """Whether the last block's states are normalised once more before they come out."""
    decoder = reduced(model)
    with torch.no_grad():
        out = decoder.hidden(sample_ids())
        _, last = captured(decoder.h[-1], lambda: decoder.hidden(sample_ids()))
    return _is_normalised(out) and not _is_normalised(last)


@register
def norm_epsilon(model: str) -> float:
    """Epsilon solved from what layer norm does to a signal of tiny variance."""
    norm = first_block(reduced(model)).ln_1
    width = norm.weight.shape[0]
    x = 1e-3 * torch.tensor([1.0, -1.0], dtype=torch.float64).repeat(width // 2)  # mean 0, variance 1e-6
    with torch.no_grad():
        y = nn.functional.layer_norm(x, (width,), norm.weight.double(), norm.bias.double(), norm.eps)
    return float(f"{float((x[0] / y[0]) ** 2 - x[0] ** 2):.3g}")


@register
def gelu_constant(model: str) -> float:
    """The cubic constant of the tanh-GELU, solved from one value of the activation (nan if exact GELU)."""
    x = torch.tensor([1.0], dtype=torch.float64)
    y = first_block(reduced(model)).mlp.activation(x)
    argument = torch.atanh(2 * y / x - 1)
    return round(float((argument / math.sqrt(2 / math.pi) - x) / x**3), 6)


@register
def position_table(model: str) -> dict[str, Any]:
    """Rows, width and learnability of the position embedding: does a loss reach it by gradient?"""
    decoder, ids = reduced(model), sample_ids()
    decoder.zero_grad()
    torch.autograd.backward(decoder.loss(ids[:, :-1], ids[:, 1:]))
    gradient = decoder.wpe.weight.grad
    learned = gradient is not None and bool((gradient[: ids.shape[1] - 1].abs().sum(-1) > 0).all())
    decoder.zero_grad()
    rows, width = whole(model).wpe.weight.shape
    return {"rows": rows, "width": width, "learned": learned}


@register
def output_is_token_embedding(model: str) -> bool:
    """Double one row of the token embedding and see whether just that token's logit doubles."""
    decoder, ids, token = reduced(model), sample_ids(), 400
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


@register
def ends_of_the_stack(model: str) -> dict[str, bool]:
    """What enters the first block and what leaves the last: embeddings added, output tied, no bias."""
    decoder, ids = reduced(model), sample_ids()
    entering, _ = captured(decoder.h[0], lambda: decoder.hidden(ids))
    with torch.no_grad():
        embedded = decoder.wte.weight[ids[0]] + decoder.wpe.weight[: ids.shape[1]]
        at_zero = decoder.logits(torch.zeros(1, decoder.wte.weight.shape[1]))
    return {
        "embeddings_are_added": torch.allclose(entering[0], embedded, atol=1e-6),
        "output_is_tied": output_is_token_embedding(model),
        "output_bias": bool((at_zero != 0).any()),
    }


@register
def past_that_matters(model: str) -> dict[str, int]:
    """How many of 16 earlier tokens move the prediction of the 17th when they are changed."""
    decoder, ids = reduced(model), sample_ids(17)
    with torch.no_grad():
        before = decoder.hidden(ids[:, :-1])[0, -1]
        variants = ids[:, :-1].repeat(16, 1) + 100 * torch.eye(16, dtype=torch.long)  # (16, 16)
        after = decoder.hidden(variants)[:, -1]
    return {"tokens": int(((after - before).abs().amax(-1) > MOVED).sum()), "of": 16}


@register
def attention_sources(model: str) -> dict[str, str]:
    """Where query, key and value come from: move one token and see which of the three move, and where.

    A model with an encoder would take keys and values from another sequence, which its decoder's tokens
    do not move.
    """
    decoder, ids, place = reduced(model), sample_ids(), 5
    changed = ids.clone()
    changed[0, place] += 100
    before: list[Tensor] = []
    after: list[Tensor] = []
    with torch.no_grad():
        decoder.hidden(ids, before)
        decoder.hidden(changed, after)
    moved = (after[0] - before[0]).abs().amax(dim=(-1, -2))[0] > MOVED  # (T, 3) in the first block
    own = [bool(moved[place, part]) and int(moved[:, part].sum()) == 1 for part in range(3)]
    names = ("query", "key", "value")
    return {name: "its own sequence" if mine else "elsewhere" for name, mine in zip(names, own, strict=True)}


@register
def attention_pattern(model: str) -> dict[str, Any]:
    """Dense, banded or alternating layers, by how far a change of the first position reaches in each."""
    decoder, length = reduced(model), 272
    width = decoder.wte.weight.shape[1]
    states = torch.randn(1, length, width, generator=torch.Generator().manual_seed(0)).repeat(2, 1, 1)
    states[1, 0] += 1.0
    reach = []
    with torch.no_grad():
        for block in decoder.h:
            mixed: Tensor = cast(Block, block).attn(states)
            moved = (mixed[0] - mixed[1]).abs().amax(-1) > 1e-9
            reach.append(int(moved.nonzero().max()) + 1)
    kinds = ["dense" if seen == length else "banded" for seen in reach]
    alternating = ["banded" if layer % 2 else "dense" for layer in range(len(kinds))]
    pattern = "alternating" if kinds == alternating else kinds[0] if len(set(kinds)) == 1 else "mixed"
    return {"pattern": pattern} | ({"window": min(reach)} if min(reach) < length else {})


def _spread(weights: list[Tensor]) -> float:
    return float(torch.cat([w.detach().flatten() for w in weights]).std())


def _projections(decoder: Decoder, *, into_stream: bool) -> list[Tensor]:
    return [
        p
        for name, p in decoder.h.named_parameters()
        if p.ndim == 2 and name.endswith("c_proj.weight") == into_stream
    ]


@register
def initial_weights(model: str) -> dict[str, float]:
    """Mean and standard deviation of all matrices of the fresh blocks, to three decimals."""
    values = torch.cat([p.detach().flatten() for p in reduced(model).h.parameters() if p.ndim == 2])
    return {"mean": abs(round(float(values.mean()), 3)), "std": round(float(values.std()), 3)}


@register
def initial_spread(model: str) -> dict[str, float]:
    """Standard deviations of a fresh model: projections within a block, and both embeddings."""
    decoder = reduced(model)
    return {
        "weights_std": round(_spread(_projections(decoder, into_stream=False)), 3),
        "wte_std": round(_spread([decoder.wte.weight]), 3),
        "wpe_std": round(_spread([decoder.wpe.weight]), 3),
    }


@register
def residual_scaling(model: str) -> dict[str, Any]:
    """Whether projections into the residual stream start smaller, and the N of 1/sqrt(N) in blocks."""
    decoder = reduced(model)
    ratio = _spread(_projections(decoder, into_stream=True)) / _spread(
        _projections(decoder, into_stream=False)
    )
    return {"scaled": ratio < 0.9, "counted_for_each_block": round(1 / ratio**2 / len(decoder.h), 1)}


@register
def dropout(model: str) -> float:
    """Share of the embeddings that training mode sets to zero, to two decimals."""
    decoder = reduced(model)
    with torch.random.fork_rng([]):
        torch.manual_seed(0)
        decoder.train()
        entering, _ = captured(decoder.h[0], lambda: decoder.hidden(torch.arange(512).reshape(4, 128)))
        decoder.eval()
    return round(float((entering == 0).float().mean()), 2)
