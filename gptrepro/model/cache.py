"""Keys and values of the positions so far, so that each new token costs one position and not all of them."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from gptrepro.model.config import DecoderConfig


class KeyValueCache:
    """The keys and values of every layer, for a batch whose rows may have different lengths.

    The first call stores whole prompts, padded *on the right* to one length: by causality the padding changes
    nothing before it, and each row's next tokens overwrite it. After that every call adds one position a row.

    Position ``p`` lies in slot ``p % size``. A dense layer has a slot for every position; a banded layer has
    only ``window`` slots, so a new key takes the place of the one that has just left the window. The order of
    the slots does not matter, because positions are part of the keys. Either way, slot ``s`` of a row whose
    newest position is ``p`` holds something it may see if ``s <= p``.

    Args:
        lengths: tokens of each row's prompt.
        capacity: the most positions that a row will reach, prompt included.
    """

    def __init__(self, config: DecoderConfig, lengths: Sequence[int], capacity: int) -> None:
        windows = (config.window_of(layer) for layer in range(config.n_layers))
        self.sizes = [capacity if window is None else min(window, capacity) for window in windows]
        self.capacity = capacity
        self.keys: list[Tensor] = []  # one (B, H, size, d_head) a layer
        self.values: list[Tensor] = []
        self.end = 0  # positions held for the longest row
        self.newest = torch.tensor(lengths) - 1  # (B,)
        self.ragged = len(set(lengths)) > 1

    def advance(self, count: int, device: torch.device) -> Tensor:
        """Take in ``count`` more positions: the prompts first, then one at a time.

        Returns:
            Rows of the position embedding, (count,) for all rows or (B, 1) where they differ.
        """
        if self.end + count > self.capacity or (self.end and count > 1):
            raise ValueError(f"{count} positions after {self.end} of {self.capacity}")
        start, self.end = self.end, self.end + count
        if start == 0:
            self.newest = self.newest.to(device)
        elif self.ragged:
            self.newest = self.newest + 1
            return self.newest[:, None]
        return torch.arange(start, self.end, device=device)

    def store(self, layer: int, k: Tensor, v: Tensor) -> None:
        """Keep (B, H, T, d_head) keys and values of the positions just taken in."""
        size = self.sizes[layer]
        if layer == len(self.keys):
            n_batch, n_heads, length, d_head = k.shape
            self.keys.append(k.new_zeros(n_batch, n_heads, size, d_head))
            self.values.append(v.new_zeros(n_batch, n_heads, size, d_head))
            # The newest position that belongs in each slot: (B, slots).
            slot = torch.arange(min(size, length), device=k.device)
            newest = self.newest[:, None]
            position = (newest - (newest - slot) % size).clamp(min=0)
            index = position[:, None, :, None].expand(-1, n_heads, -1, d_head)  # (B, H, slots, d_head)
            self.keys[layer][:, :, : len(slot)] = k.gather(2, index)
            self.values[layer][:, :, : len(slot)] = v.gather(2, index)
        elif self.ragged:
            rows = torch.arange(len(self.newest), device=k.device)
            self.keys[layer][rows, :, self.newest % size] = k[:, :, 0]
            self.values[layer][rows, :, self.newest % size] = v[:, :, 0]
        else:
            at = (self.end - 1) % size
            self.keys[layer][:, :, at : at + 1] = k
            self.values[layer][:, :, at : at + 1] = v

    def held(self, layer: int) -> tuple[Tensor, Tensor, Tensor | None]:
        """Keys and values, (B, H, S, d_head) each, that the newest position sees, and which of them.

        The third is a mask (B, 1, 1, S), True where a row may look, or None where every row may look at all.
        """
        count = min(self.sizes[layer], self.end)
        visible = None
        if self.ragged:
            slot = torch.arange(count, device=self.newest.device)
            visible = (slot <= self.newest[:, None])[:, None, None]
        return self.keys[layer][:, :, :count], self.values[layer][:, :, :count], visible

    def reorder(self, rows: Tensor) -> None:
        """Make row ``i`` what row ``rows[i]`` was: beam search keeps, drops and copies hypotheses."""
        self.keys = [keys[rows] for keys in self.keys]
        self.values = [values[rows] for values in self.values]
        self.newest = self.newest[rows]
