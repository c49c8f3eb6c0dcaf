"""Causal self-attention: every position looks back, over all of the past or over a window of it."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gptrepro.model.config import DecoderConfig
from gptrepro.model.projection import Projection

MINIMUM_BLOCK = 64
"""Queries per block of banded attention at small windows: smaller products are no faster."""


LONGEST_BY_PRODUCTS = 256
"""Positions up to which plain products train faster on a CPU in bf16 than its fused kernel, whose backward
pass does not use the processor's bf16 units: 1.9 to 2.9 times at 128 positions, 1.1 times at 256."""


def dense_attention(q: Tensor, k: Tensor, v: Tensor, dropout: float = 0.0) -> Tensor:
    """Attention of position ``i`` over positions ``0..i``, scaled by ``1 / sqrt(d_head)``.

    Args:
        q, k, v: (B, H, T, d_head) each.
        dropout: probability of dropping an attention weight.

    Returns:
        (B, H, T, d_head). Source: Vaswani et al. 2017, section 3.2.1, with the causal mask of 3.2.3.
    """
    if q.dtype == torch.bfloat16 and q.device.type == "cpu" and q.shape[2] <= LONGEST_BY_PRODUCTS:
        return _by_products(q, k, v, dropout)
    return F.scaled_dot_product_attention(q, k, v, dropout_p=dropout, is_causal=True)


def _by_products(q: Tensor, k: Tensor, v: Tensor, dropout: float) -> Tensor:
    """The same, written out: every score is formed and those of later positions are made impossible."""
    length = q.shape[2]
    later = torch.full((length, length), -torch.inf, dtype=q.dtype, device=q.device).triu(1)  # (T, T)
    scores = q @ k.transpose(2, 3) * q.shape[3] ** -0.5  # (B, H, T, T)
    weights = F.dropout((scores + later).softmax(-1, dtype=q.dtype), dropout)
    return weights @ v


def banded_attention(q: Tensor, k: Tensor, v: Tensor, window: int, dropout: float = 0.0) -> Tensor:
    """Attention of position ``i`` over positions ``i - window + 1 .. i``, in time and memory linear in T.

    The queries are cut into blocks. A block of ``b`` queries needs only the ``b + window - 1`` keys that
    end with it, so the scores take T * (b + window - 1) numbers, never T * T:

        keys     . . [ window - 1 before | the block ]
        queries                          [ the block ]

    GPT-3 (section 2.1) says "locally banded sparse attention, similar to the Sparse Transformer"
    (Child et al. 2019) in every other layer, and no window size.

    Args:
        q, k, v: (B, H, T, d_head) each.
        window: keys that a query sees, its own position included.
        dropout: probability of dropping an attention weight.

    Returns:
        (B, H, T, d_head).
    """
    n_batch, n_heads, length, d_head = q.shape
    if window >= length:
        return dense_attention(q, k, v, dropout)
    block = max(window // 2, MINIMUM_BLOCK)  # longer ones score more keys, shorter ones copy more
    n_blocks = math.ceil(length / block)
    before = window - 1
    span = before + block
    filler = n_blocks * block - length  # after the last query, invisible to all others by causality

    def blocks(x: Tensor, front: int, size: int) -> Tensor:
        # (B, H, T, d) -> (B, H, front + T + filler, d) -> (B, H, n_blocks, d, size)
        windows = F.pad(x, (0, 0, front, filler)).unfold(2, size, block)
        # -> (n_blocks, B, H, size, d) -> (n_blocks, B * H, size, d): SDPA broadcasts the mask over B * H
        return windows.permute(2, 0, 1, 4, 3).reshape(n_blocks, n_batch * n_heads, size, d_head)

    query = torch.arange(block, device=q.device)[:, None]  # (block, 1), counted from the block's start
    key = torch.arange(-before, block, device=q.device)  # (span,), likewise
    band = (key <= query) & (key > query - window)  # (block, span)
    start = block * torch.arange(n_blocks, device=q.device)[:, None, None, None]
    visible = band & (key + start >= 0)  # (n_blocks, 1, block, span)

    mixed = F.scaled_dot_product_attention(
        blocks(q, 0, block),
        blocks(k, before, span),
        blocks(v, before, span),
        attn_mask=visible,
        dropout_p=dropout,
    )
    # (n_blocks, B * H, block, d) -> (B * H, n_blocks, block, d) -> (B, H, T + filler, d) -> (B, H, T, d)
    joined = mixed.transpose(0, 1).reshape(n_batch, n_heads, n_blocks * block, d_head)
    return joined[:, :, :length]


class CausalSelfAttention(nn.Module):
    """Project to queries, keys and values; attend per head; project back to the residual stream."""

    def __init__(self, config: DecoderConfig, layer: int) -> None:
        super().__init__()
        self.window = config.window_of(layer)
        self.n_heads = config.n_heads
        self.d_head = config.head_width
        self.dropout = config.dropout
        inner = config.n_heads * config.head_width
        self.c_attn = Projection(config.d_model, 3 * inner)
        self.c_proj = Projection(inner, config.d_model)
        self.resid_dropout = nn.Dropout(config.dropout)

    def forward(self, x: Tensor, keep: list[Tensor] | None = None) -> Tensor:
        """(B, T, d_model) -> (B, T, d_model); appends its (B, T, 3, H, d_head) q, k, v to ``keep``."""
        n_batch, length, _ = x.shape
        # (B, T, 3 * H * d) -> (B, T, 3, H, d)
        qkv = self.c_attn(x).view(n_batch, length, 3, self.n_heads, self.d_head)
        if keep is not None:
            keep.append(qkv)
        q, k, v = qkv.permute(2, 0, 3, 1, 4)  # (3, B, H, T, d): (B, H, T, d) each
        dropout = self.dropout if self.training else 0.0
        if self.window is None:
            mixed = dense_attention(q, k, v, dropout)
        else:
            mixed = banded_attention(q, k, v, self.window, dropout)
        # (B, H, T, d) -> (B, T, H, d) -> (B, T, H * d)
        mixed = mixed.transpose(1, 2).reshape(n_batch, length, self.n_heads * self.d_head)
        out: Tensor = self.resid_dropout(self.c_proj(mixed))
        return out
