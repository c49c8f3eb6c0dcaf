"""Encoder-decoders: a recurrent one, with or without attention, and a Transformer, behind one interface.

An encoder turns the source into a *memory*; a decoder writes the target, symbol by symbol, from what it has
written and from the memory. The three models of the story differ in the memory and in how it is read:

    one vector       LSTM, the encoder's last states      Sutskever et al. 2014; Cho et al. 2014
    every position   LSTM, read by attention              Bahdanau et al. 2015; Luong et al. 2015
    every position   Transformer, read by attention       Vaswani et al. 2017
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from gptrepro.errors import GptreproError
from gptrepro.fields import check_least, check_types
from gptrepro.model.positions import sinusoids

PAD, START, END = 0, 1, 2
"""Ids that both vocabularies keep for padding, and for the start and the end of a target."""
N_SPECIAL = 3
"""The first id of a symbol."""


@dataclass(frozen=True)
class Memory:
    """A batch of sources, read."""

    slots: Tensor
    """(B, M, d_memory) what attention reads: one slot a source position, or a single one."""
    visible: Tensor
    """(B, M) bool: the slots that are not padding."""
    summary: Tensor
    """(B, d_memory) what a recurrent decoder starts from; (B, 0) where it starts from nothing."""


class Seq2Seq(nn.Module, ABC):
    """What the models share: the loss, and writing by the most probable symbol."""

    @abstractmethod
    def encode(self, source: Tensor) -> Memory:
        """Read sources: (B, S) int64, padded behind."""

    @abstractmethod
    def decode(self, memory: Memory, prefix: Tensor) -> Tensor:
        """Scores of the next symbol after each symbol of ``prefix``: (B, T) int64 -> (B, T, n_target)."""

    def forward(self, source: Tensor, target: Tensor) -> Tensor:
        """Scores of ``target`` given its own past: (B, S), (B, T) int64 -> (B, T, n_target)."""
        prefix = F.pad(target[:, :-1], (1, 0), value=START)
        return self.decode(self.encode(source), prefix)

    def loss(self, source: Tensor, target: Tensor) -> Tensor:
        """Mean negative log-likelihood in nats a symbol, END included: (B, S), (B, T) int64 -> scalar."""
        return F.cross_entropy(self(source, target).flatten(0, 1), target.flatten(), ignore_index=PAD)

    @torch.inference_mode()
    def greedy(self, source: Tensor, limit: int) -> list[list[int]]:
        """The outputs that take the most probable symbol at each step, without END.

        The whole prefix is decoded anew for every symbol: on words that costs little.

        Args:
            source: (B, S) int64.
            limit: the most symbols that are written.
        """
        memory = self.encode(source)
        prefix = source.new_full((len(source), 1), START)
        ended = torch.zeros(len(source), dtype=torch.bool, device=source.device)
        while prefix.shape[1] <= limit and not ended.all():
            scores = self.decode(memory, prefix)[:, -1]  # (B, n_target)
            scores[:, [PAD, START]] = -torch.inf  # which nothing teaches a model to write
            chosen = scores.argmax(-1).masked_fill(ended, PAD)
            ended |= chosen == END
            prefix = torch.cat([prefix, chosen[:, None]], dim=1)
        return [[i for i in row if i not in (PAD, END)] for row in prefix[:, 1:].tolist()]


@dataclass(frozen=True)
class RecurrentConfig:
    """An LSTM encoder-decoder."""

    n_source: int
    n_target: int
    d_embedding: int
    d_encoder: int
    """Units of the encoder in each direction."""
    d_decoder: int
    """Units of the decoder."""
    attention: bool
    """Whether the memory is every position's state, or their two ends as one vector."""

    def __post_init__(self) -> None:
        check_types(self)
        check_least(self, 1, "n_source", "n_target", "d_embedding", "d_encoder", "d_decoder")


class RecurrentSeq2Seq(Seq2Seq):
    """A bidirectional LSTM reads, another LSTM writes; attention, if any, mixes what was read for each step.

    The decoder sees a context at every step. Without attention it is the same vector each time: the encoder's
    last states, forward and backward. (The backward half has read the word in reverse, the trick of Sutskever
    et al. 2014, section 3.3.) With attention it is a weighted mean of the states at all positions. Nothing
    else changes: a memory of one slot *is* the model without attention.

    Attention is Luong's "general" form (Luong et al. 2015, section 3.1): it scores ``state @ W @ slot`` with
    the decoder's present state, where Bahdanau et al. (2015) put the previous state through a small network.
    """

    def __init__(self, config: RecurrentConfig) -> None:
        super().__init__()
        self.config = config
        d_memory = 2 * config.d_encoder
        self.source_embedding = nn.Embedding(config.n_source, config.d_embedding, padding_idx=PAD)
        self.target_embedding = nn.Embedding(config.n_target, config.d_embedding, padding_idx=PAD)
        self.encoder = nn.LSTM(config.d_embedding, config.d_encoder, bidirectional=True, batch_first=True)
        self.start = nn.Linear(d_memory, 2 * config.d_decoder)
        self.decoder = nn.LSTM(config.d_embedding, config.d_decoder, batch_first=True)
        self.query = nn.Linear(config.d_decoder, d_memory, bias=False) if config.attention else None
        self.combine = nn.Linear(config.d_decoder + d_memory, config.d_decoder)
        self.out = nn.Linear(config.d_decoder, config.n_target)

    def encode(self, source: Tensor) -> Memory:
        """Read sources: (B, S) int64, padded behind."""
        visible = source != PAD
        packed = pack_padded_sequence(
            self.source_embedding(source), visible.sum(1).cpu(), batch_first=True, enforce_sorted=False
        )
        states, (last, _) = self.encoder(packed)  # last: (2, B, d_encoder), forward and backward
        summary = torch.cat([last[0], last[1]], dim=-1)  # (B, d_memory)
        if self.query is None:
            return Memory(summary[:, None], visible[:, :1], summary)
        slots, _ = pad_packed_sequence(states, batch_first=True, total_length=source.shape[1])
        return Memory(slots, visible, summary)

    def decode(self, memory: Memory, prefix: Tensor) -> Tensor:
        """Scores of the next symbol after each symbol of ``prefix``: (B, T) int64 -> (B, T, n_target)."""
        states = self._states(memory, prefix)  # (B, T, d_decoder)
        context = self._weights(memory, states) @ memory.slots  # (B, T, M) @ (B, M, d_memory)
        mixed = torch.tanh(self.combine(torch.cat([context, states], dim=-1)))  # Luong et al., equation 5
        scores: Tensor = self.out(mixed)
        return scores

    def alignment(self, source: Tensor, target: Tensor) -> Tensor:
        """The weight of each source position when each symbol of ``target`` is written.

        (B, S), (B, T) int64 -> (B, T, S); each row of S adds up to 1. (Bahdanau et al. 2015, figure 3.)
        """
        memory = self.encode(source)
        return self._weights(memory, self._states(memory, F.pad(target[:, :-1], (1, 0), value=START)))

    def _states(self, memory: Memory, prefix: Tensor) -> Tensor:
        hidden, cell = self.start(memory.summary).chunk(2, dim=-1)  # (B, d_decoder) each
        first = (hidden.tanh()[None].contiguous(), cell[None].contiguous())
        states: Tensor = self.decoder(self.target_embedding(prefix), first)[0]
        return states

    def _weights(self, memory: Memory, states: Tensor) -> Tensor:
        if self.query is None:
            return states.new_ones(*states.shape[:2], 1)  # (B, T, 1): one slot, all of the weight
        scores = self.query(states) @ memory.slots.transpose(1, 2)  # (B, T, M)
        hidden = ~memory.visible[:, None]  # (B, 1, M)
        weights: Tensor = scores.masked_fill(hidden, -torch.inf).softmax(-1)
        return weights


@dataclass(frozen=True)
class TransformerConfig:
    """A Transformer encoder-decoder; Vaswani et al. (2017, Table 3, base) use 6 layers, 512, 8 and 2048."""

    n_source: int
    n_target: int
    n_layers: int
    """Of the encoder, and as many of the decoder."""
    d_model: int
    n_heads: int
    d_ff: int

    def __post_init__(self) -> None:
        check_types(self)
        check_least(self, 1, "n_source", "n_target", "n_layers", "d_model", "n_heads", "d_ff")
        if self.d_model % self.n_heads or self.d_model % 2:
            raise GptreproError(
                f"d_model {self.d_model} must be even and a multiple of n_heads {self.n_heads}."
            )


class TransformerSeq2Seq(Seq2Seq):
    """The Transformer of 2017, on torch's own layers: post-LN, ReLU, sinusoidal positions, no dropout."""

    def __init__(self, config: TransformerConfig) -> None:
        super().__init__()
        self.config = config
        shape: dict[str, Any] = {"dim_feedforward": config.d_ff, "dropout": 0.0, "batch_first": True}
        # The stacks are handed over because torch would close each with a norm that the paper does not have.
        self.transformer = nn.Transformer(
            config.d_model,
            config.n_heads,
            custom_encoder=nn.TransformerEncoder(
                nn.TransformerEncoderLayer(config.d_model, config.n_heads, **shape),
                config.n_layers,
                enable_nested_tensor=False,
            ),
            custom_decoder=nn.TransformerDecoder(
                nn.TransformerDecoderLayer(config.d_model, config.n_heads, **shape), config.n_layers
            ),
            batch_first=True,
        )
        self.source_embedding = nn.Embedding(config.n_source, config.d_model)
        self.target_embedding = nn.Embedding(config.n_target, config.d_model)
        for embedding in (self.source_embedding, self.target_embedding):
            nn.init.normal_(embedding.weight, std=config.d_model**-0.5)
        self.out = nn.Linear(config.d_model, config.n_target)

    def encode(self, source: Tensor) -> Memory:
        """Read sources: (B, S) int64, padded behind."""
        visible = source != PAD
        slots = self.transformer.encoder(
            self._embedded(self.source_embedding, source), src_key_padding_mask=~visible
        )
        return Memory(slots, visible, slots.new_empty(len(source), 0))

    def decode(self, memory: Memory, prefix: Tensor) -> Tensor:
        """Scores of the next symbol after each symbol of ``prefix``: (B, T) int64 -> (B, T, n_target)."""
        length = prefix.shape[1]
        future = torch.ones(length, length, dtype=torch.bool, device=prefix.device).triu(1)
        states = self.transformer.decoder(
            self._embedded(self.target_embedding, prefix),
            memory.slots,
            tgt_mask=future,
            memory_key_padding_mask=~memory.visible,
        )
        scores: Tensor = self.out(states)
        return scores

    def _embedded(self, embedding: nn.Embedding, ids: Tensor) -> Tensor:
        """(B, T) int64 -> (B, T, d_model), scaled as in section 3.4 of the paper, with positions added."""
        d_model = self.config.d_model
        embedded: Tensor = embedding(ids) * d_model**0.5
        return embedded + sinusoids(ids.shape[1], d_model).to(ids.device)
