"""One token at a time: the decoder's forward pass for the newest position only.

A new token changes nothing at earlier positions, so their keys and values are kept and only one position is
computed. A step at batch 1 does so little arithmetic that calling modules would take as long as the products;
`Continuation.append` is therefore the decoder once more, on bare tensors. Tests hold it to `Decoder`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, cast

import torch
import torch.nn.functional as F
from torch import Tensor

from gptrepro.errors import GptreproError
from gptrepro.model.decoder import ACTIVATIONS, Block, Decoder

REARRANGE_AFTER = 32
"""New tokens for which copies of matrices in another order pay: a CPU reads a matrix about twice as fast
when its longer side is contiguous."""


def along_longer_side(weight: Tensor) -> Tensor:
    """The same vector or (in, out) matrix, laid out in memory with its longer side contiguous."""
    if weight.dim() == 2 and weight.shape[0] > weight.shape[1]:
        return weight.t().contiguous().t()
    return weight.contiguous()


class _Layer(NamedTuple):
    """The weights of a block."""

    ln_1: tuple[Tensor, Tensor]
    c_attn: tuple[Tensor, Tensor]
    attn_proj: tuple[Tensor, Tensor]
    ln_2: tuple[Tensor, Tensor]
    c_fc: tuple[Tensor, Tensor]
    mlp_proj: tuple[Tensor, Tensor]

    @classmethod
    def of(cls, block: Block, rearrange: bool) -> _Layer:
        parts = (
            block.ln_1,
            block.attn.c_attn,
            block.attn.c_proj,
            block.ln_2,
            block.mlp.c_fc,
            block.mlp.c_proj,
        )
        weights = (along_longer_side(part.weight) if rearrange else part.weight for part in parts)
        return cls(*zip(weights, (part.bias for part in parts), strict=True))


class _Slots(NamedTuple):
    """A layer's buffer of projections, (size, B, 3 * H * d), and what lies in it, (B, H, size, d) each."""

    buffer: Tensor
    q: Tensor
    k: Tensor
    v: Tensor

    @classmethod
    def of(cls, buffer: Tensor, heads: tuple[int, int, int]) -> _Slots:
        # (size, B, 3 * H * d) -> (size, B, 3, H, d) -> (3, B, H, size, d), views of the same memory
        return cls(buffer, *buffer.view(*buffer.shape[:2], *heads).permute(2, 1, 3, 0, 4).unbind())


class Continuation:
    """A batch of prompts that grow by one token a row; create and use it within `inference`.

    Prompts are read in one pass, padded *on the right* to one length: by causality the padding changes
    nothing before it, and each row's next tokens overwrite it.

    The projections of position ``p`` lie in slot ``p % size`` of a layer's buffer. A dense layer has a slot
    for every position. A banded layer has ``window`` slots: a new key takes the place of the one that has
    just left the window, and the order of the slots does not matter because positions are part of the keys.
    Either way, a row whose newest position is ``p`` may see slot ``s`` if ``s <= p``.

    Args:
        prompts: token ids of each row, at least one each.
        max_new_tokens: how often `append` may be called.

    Raises:
        GptreproError: a prompt is empty, holds an id outside the vocabulary, or does not fit the context.
    """

    def __init__(self, model: Decoder, prompts: Sequence[Sequence[int]], max_new_tokens: int) -> None:
        ids = _pad(model, prompts, max_new_tokens)
        self.config = model.config
        self.heads = (3, model.config.n_heads, model.config.head_width)
        rearrange = ids.device.type == "cpu" and max_new_tokens >= REARRANGE_AFTER
        self.layers = [_Layer.of(cast(Block, block), rearrange) for block in model.h]
        self.head = model.wte.weight.t()  # (d_model, n_vocab)
        if rearrange:
            self.head = along_longer_side(self.head)
        self.wte, self.wpe, self.ln_f = model.wte.weight, model.wpe.weight, model.ln_f
        self.activation = ACTIVATIONS[model.config.activation]

        lengths = [len(prompt) for prompt in prompts]
        self.ragged = len(set(lengths)) > 1
        self.end = ids.shape[1]  # positions of the longest row
        self.newest = torch.tensor(lengths, device=ids.device) - 1  # (B,)
        self.rows = torch.arange(len(prompts), device=ids.device)  # (B,)
        projections: list[Tensor] = []
        hidden = model.hidden(ids, projections)  # (B, T, d_model)
        self.logits = torch.mm(hidden[self.rows, self.newest], self.head)
        """Scores of each prompt's next token, (B, n_vocab)."""
        capacity = self.end + max_new_tokens
        self.slots = [
            self._slots(qkv.flatten(2), min(self.config.window_of(layer) or capacity, capacity))
            for layer, qkv in enumerate(projections)
        ]

    def _slots(self, qkv: Tensor, size: int) -> _Slots:
        """Keep what later positions may see of (B, T, 3 * H * d)."""
        slots = torch.arange(min(size, self.end), device=qkv.device)
        newest = self.newest[:, None]
        # The last position that falls into each slot, (B, slots); where there is none yet, anything.
        position = (newest - (newest - slots) % size).clamp(min=0)
        buffer = qkv.new_zeros(size, *qkv[:, 0].shape)
        buffer[: len(slots)] = qkv[self.rows[:, None], position].transpose(0, 1)
        return _Slots.of(buffer, self.heads)

    def append(self, tokens: Tensor) -> Tensor:
        """Add one token to each row, (B,) int64, and score the next: (B, n_vocab)."""
        self.end += 1
        if self.ragged:
            self.newest = self.newest + 1
        position = self.newest if self.ragged else self.end - 1
        x = self.wte[tokens] + self.wpe[position]  # (B, d_model)
        shape, eps = (self.config.d_model,), self.config.norm_eps
        for layer, slots in zip(self.layers, self.slots, strict=True):
            if self.ln_f is not None:
                x = x + self._attend(layer, slots, F.layer_norm(x, shape, *layer.ln_1, eps))
                x = x + self._feed_forward(layer, F.layer_norm(x, shape, *layer.ln_2, eps))
            else:
                x = F.layer_norm(x + self._attend(layer, slots, x), shape, *layer.ln_1, eps)
                x = F.layer_norm(x + self._feed_forward(layer, x), shape, *layer.ln_2, eps)
        if self.ln_f is not None:
            x = self.ln_f(x)
        return torch.mm(x, self.head)

    def _attend(self, layer: _Layer, slots: _Slots, x: Tensor) -> Tensor:
        """(B, d_model) -> (B, d_model)."""
        size = len(slots.buffer)
        count = min(size, self.end)
        weight, bias = layer.c_attn
        if self.ragged:
            qkv = torch.addmm(bias, x, weight)  # (B, 3 * H * d)
            slots.buffer[self.newest % size, self.rows] = qkv
            q = qkv.view(-1, *self.heads)[:, 0, :, None]  # (B, H, 1, d)
            visible = torch.arange(count, device=x.device) <= self.newest[:, None]  # (B, S)
            visible = visible[:, None, None]  # (B, 1, 1, S)
        else:
            slot = (self.end - 1) % size
            torch.addmm(bias, x, weight, out=slots.buffer[slot])  # computed where it is kept
            q = slots.q[:, :, slot : slot + 1]  # (B, H, 1, d)
            visible = None
        k, v = slots.k[:, :, :count], slots.v[:, :, :count]  # (B, H, S, d)
        mixed = F.scaled_dot_product_attention(q, k, v, attn_mask=visible)  # (B, H, 1, d)
        weight, bias = layer.attn_proj
        return torch.addmm(bias, mixed.flatten(1), weight)

    def _feed_forward(self, layer: _Layer, x: Tensor) -> Tensor:
        """(B, d_model) -> (B, d_model)."""
        weight, bias = layer.c_fc
        inner = self.activation(torch.addmm(bias, x, weight))  # (B, d_ff)
        weight, bias = layer.mlp_proj
        return torch.addmm(bias, inner, weight)

    def reorder(self, rows: Tensor) -> None:
        """Make row ``i`` what row ``rows[i]`` was: beam search keeps, drops and copies hypotheses."""
        self.slots = [_Slots.of(slots.buffer[:, rows], self.heads) for slots in self.slots]
        self.newest = self.newest[rows]
        self.rows = torch.arange(len(rows), device=rows.device)


def _pad(model: Decoder, prompts: Sequence[Sequence[int]], max_new_tokens: int) -> Tensor:
    """Check the prompts and pad them on the right to one length: (B, longest) int64."""
    config = model.config
    if not prompts or not all(prompts):
        raise GptreproError(
            "A prompt needs at least one token: start an empty one with the tokenizer's end-of-text token."
        )
    longest = max(map(len, prompts))
    if longest + max_new_tokens > config.n_ctx:
        raise GptreproError(
            f"A prompt of {longest} tokens and {max_new_tokens} new ones do not fit this model's context of "
            f"{config.n_ctx}: shorten the prompt or ask for fewer tokens."
        )
    if not all(0 <= token < config.n_vocab for prompt in prompts for token in prompt):
        raise GptreproError(
            f"A prompt holds token ids outside this model's vocabulary of {config.n_vocab}: "
            "encode it with the model's own tokenizer."
        )
    padded = [[*prompt, *[0] * (longest - len(prompt))] for prompt in prompts]
    return torch.tensor(padded, device=model.wte.weight.device)
