"""A pre-trained language model with the output layer of a task (GPT-1, sections 3.2 and 3.3).

The model reads a sequence, and the state at its last token, *extract*, stands for it. One matrix turns that
state into scores of the labels; the states at all other tokens go on predicting the next token, as in
pre-training, which is the auxiliary loss. New are the matrix and three rows of the token embedding.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TypeVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gptrepro.errors import GptreproError
from gptrepro.finetune.inputs import SpecialTokens
from gptrepro.model import Decoder, DecoderConfig
from gptrepro.model.config import LSTMConfig
from gptrepro.model.loss import IGNORED_TARGET, chunked_cross_entropy
from gptrepro.model.lstm import LSTMLanguageModel
from gptrepro.published import GPT1_FINE_TUNING
from gptrepro.tasks.labelled import Kind, Task

Body = TypeVar("Body", bound=Decoder | LSTMLanguageModel)

HEAD_STD = 0.02
"""Standard deviation of the new matrix at the start (released code; the paper does not say)."""

BUCKET = 16
"""Sequences whose lengths fall within the same so many tokens are read together; on a GPU, all are."""


@dataclass(frozen=True)
class FineTunedConfig:
    """What distinguishes one fine-tuned model from another."""

    body: DecoderConfig | LSTMConfig
    task: str
    kind: Kind
    n_labels: int
    """Labels to choose from; 0 where a score is predicted."""
    score: tuple[float, float] | None
    """The lowest and the highest score."""
    lm_weight: float
    dropout: float


def with_special_tokens(body: Body) -> Body:
    """A copy of a language model whose vocabulary has `SpecialTokens` at its end.

    The new rows of the embedding are drawn as the model draws its others, from torch's global generator.
    """
    n_vocab = body.config.n_vocab
    wider = type(body)(replace(body.config, n_vocab=n_vocab + len(SpecialTokens._fields)))  # type: ignore[arg-type]
    weights = body.state_dict()
    fresh = wider.wte.weight.detach()[n_vocab:].to(body.wte.weight.device)
    weights["wte.weight"] = torch.cat([weights["wte.weight"], fresh])
    wider.load_state_dict(weights)
    return wider


def with_layers_of(pretrained: Body, fresh: Body, layers: int | None) -> Body:
    """``fresh`` with the embeddings and the first layers of ``pretrained`` (GPT-1, Figure 2, left).

    Args:
        pretrained: what is carried over; it is left as it is.
        fresh: an untrained model of the same configuration, which gets the weights.
        layers: blocks of a decoder or layers of an LSTM that are carried over; 0 are the embeddings alone,
            None is nothing. All of them carry the projection back of an LSTM along.

    Raises:
        GptreproError: there are not so many layers.
    """
    total = len(fresh.h) if isinstance(fresh, Decoder) else fresh.config.n_layers
    if layers is None:
        return fresh
    if not 0 <= layers <= total:
        raise GptreproError(f"The model has {total} layers, of which {layers} cannot be carried over.")
    kept = pretrained.state_dict()
    if layers < total:
        if isinstance(fresh, Decoder):
            carried = ("wte.", "wpe.", *(f"h.{i}." for i in range(layers)))
            kept = {name: value for name, value in kept.items() if name.startswith(carried)}
        else:
            ends = tuple(f"_l{i}" for i in range(layers))
            kept = {n: value for n, value in kept.items() if n.startswith("wte.") or n.endswith(ends)}
    fresh.load_state_dict(fresh.state_dict() | kept)
    return fresh


@dataclass(frozen=True)
class _Read:
    """Sequences of similar length and what the body makes of them."""

    rows: Tensor
    """(n,) their numbers among all."""
    ids: Tensor
    """(n, t), t the length of the longest."""
    lengths: Tensor
    """(n,)"""
    states: Tensor
    """(n, t, d_model)"""

    def extracts(self) -> Tensor:
        """The states at the extract tokens, (n, d_model)."""
        return self.states[torch.arange(len(self.lengths), device=self.lengths.device), self.lengths - 1]

    def predicting(self) -> tuple[Tensor, Tensor, Tensor]:
        """The states that predict a token (M, d_model), the tokens (M,), their shares of the mean (M,)."""
        places = torch.arange(self.ids.shape[1] - 1, device=self.ids.device)
        predicts = places < self.lengths[:, None] - 1  # (n, t - 1): not extract, and not what fills up
        shares = (1 / (self.lengths - 1))[:, None].expand_as(predicts)
        if self.ids.is_cuda:  # how many there are would have to be waited for
            targets = self.ids[:, 1:].masked_fill(~predicts, IGNORED_TARGET)
            return self.states[:, :-1].flatten(0, 1), targets.flatten(), shares.flatten()
        return self.states[:, :-1][predicts], self.ids[:, 1:][predicts], shares[predicts]


class FineTuned(nn.Module):
    """A language model and the output layer of one task.

    The output layer has no bias (equation 3). Where the paper is silent, the released code decides: the
    output layer starts from N(0, 0.02), the answers of one question share their dropped units, and the
    auxiliary loss is the mean over sequences of each one's mean over its tokens after *start*, the special
    ones included. (Its softmax also spans the position embeddings, which lie in the same table; not here.)
    How a score is learned (STS-B) neither says: our reading is one output and the mean squared error to the
    score mapped to [-1, 1].

    Args:
        pretrained: a language model; it is copied.
        task: what to predict.
        lm_weight: the auxiliary loss beside the task's; 0 leaves it out.
        dropout: probability before the output layer.
    """

    def __init__(
        self,
        pretrained: Decoder | LSTMLanguageModel,
        task: Task,
        *,
        lm_weight: float = GPT1_FINE_TUNING.lm_weight,
        dropout: float = GPT1_FINE_TUNING.head_dropout,
    ) -> None:
        super().__init__()
        self.body = with_special_tokens(pretrained)
        self.special = SpecialTokens.after(pretrained.config.n_vocab)
        self.config = FineTunedConfig(
            self.body.config, task.name, task.kind, len(task.labels), task.score, lm_weight, dropout
        )
        n_outputs = 1 if task.score or task.kind == "multiple choice" else len(task.labels)
        self.drop = nn.Dropout(dropout)
        self.head = nn.Linear(self.body.config.d_model, n_outputs, bias=False)
        nn.init.normal_(self.head.weight, std=HEAD_STD)

    def forward(self, ids: Tensor) -> Tensor:
        """Scores of the labels, before the softmax.

        Args:
            ids: (B, S, T) int64, as `gptrepro.finetune.inputs.collate` makes them.

        Returns:
            (B, n_labels), or (B, 1) in [-1, 1] or thereabouts for a score.
        """
        return self._outputs(self._read(ids.flatten(0, 1)), ids.shape[1])

    def loss(self, ids: Tensor, labels: Tensor) -> Tensor:
        """The task's mean loss plus ``lm_weight`` times the language model's (equation 5, the signs turned).

        Args:
            ids: (B, S, T) int64.
            labels: (B,) int64 numbers of the right labels, or float scores.

        Returns:
            A scalar, in nats for labels.
        """
        read = self._read(ids.flatten(0, 1))
        outputs = self._outputs(read, ids.shape[1])
        if self.config.score is None:
            loss = F.cross_entropy(outputs, labels)
        else:
            loss = F.mse_loss(outputs[:, 0], self._mapped(labels))
        if self.config.lm_weight:
            parts = zip(*(part.predicting() for part in read), strict=True)
            hidden, targets, shares = (torch.cat(part) for part in parts)
            lm_loss = chunked_cross_entropy(hidden, self.body.wte.weight, targets, shares)
            loss = loss + self.config.lm_weight * lm_loss
        return loss

    def predictions(self, outputs: Tensor) -> Tensor:
        """The most likely labels of ``forward``'s outputs, (B,) int64, or scores in their own unit, (B,)."""
        if self.config.score is None:
            return outputs.argmax(-1)
        lowest, highest = self.config.score
        return lowest + (outputs[:, 0] + 1) * (highest - lowest) / 2

    def _read(self, ids: Tensor) -> list[_Read]:
        """Read sequences (N, T), those of similar length together, which saves most of the padding.

        A GPU reads all of them at once: it would wait to know their lengths for longer than padding takes.
        """
        lengths = (ids == self.special.extract).int().argmax(-1) + 1  # (N,)
        if ids.is_cuda:
            return [_Read(torch.arange(len(ids), device=ids.device), ids, lengths, self.body.hidden(ids))]
        buckets = lengths.sub(1).div(BUCKET, rounding_mode="floor")
        read = []
        for bucket in sorted(set(buckets.tolist())):
            rows = (buckets == bucket).nonzero().squeeze(-1)
            part = ids[rows, : int(lengths[rows].max())]
            read.append(_Read(rows, part, lengths[rows], self.body.hidden(part)))
        return read

    def _outputs(self, read: list[_Read], n_sequences: int) -> Tensor:
        """From all that was read, with S sequences a row, to (B, n_labels) or (B, 1)."""
        order = torch.cat([part.rows for part in read]).argsort()
        extracts = torch.cat([part.extracts() for part in read])[order]  # (B * S, d_model)
        extracts = extracts.view(-1, n_sequences, extracts.shape[-1])  # (B, S, d_model)
        if self.config.kind == "similarity":
            extracts = extracts.sum(1, keepdim=True)  # of both orders, element by element
        kept = self.drop(torch.ones_like(extracts[:, :1]))  # (B, 1, d_model)
        outputs: Tensor = self.head(extracts * kept)  # (B, S, n_outputs)
        return outputs.squeeze(-1) if self.config.kind == "multiple choice" else outputs[:, 0]

    def _mapped(self, scores: Tensor) -> Tensor:
        assert self.config.score is not None
        lowest, highest = self.config.score
        return 2 * (scores - lowest) / (highest - lowest) - 1
