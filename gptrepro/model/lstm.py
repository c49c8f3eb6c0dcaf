"""The recurrent network of GPT-1's ablation: an LSTM language model with the decoder's interface."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gptrepro.model.config import LSTMConfig
from gptrepro.model.loss import chunked_cross_entropy
from gptrepro.model.projection import Projection


class LSTMLanguageModel(nn.Module):
    """Token embedding, LSTM layers, a projection where widths differ, and the embedding again as output.

    Embedding rows start with length about 1, forget gates open (bias 1: Jozefowicz et al. 2015), other biases
    at 0, and matrices as torch draws them, from its global generator.
    """

    def __init__(self, config: LSTMConfig) -> None:
        super().__init__()
        self.config = config
        self.wte = nn.Embedding(config.n_vocab, config.d_model)
        between = config.dropout if config.n_layers > 1 else 0.0
        self.lstm = nn.LSTM(
            config.d_model, config.d_hidden, config.n_layers, dropout=between, batch_first=True
        )
        self.drop = nn.Dropout(config.dropout)
        self.proj = None
        if config.d_hidden != config.d_model:
            self.proj = Projection(config.d_hidden, config.d_model)
            nn.init.normal_(self.proj.weight, std=config.d_hidden**-0.5)
            nn.init.zeros_(self.proj.bias)
        nn.init.normal_(self.wte.weight, std=config.d_model**-0.5)
        for name, parameter in self.lstm.named_parameters():
            if name.startswith(
                "bias"
            ):  # two biases, for input and recurrence, that add up: one of them opens
                nn.init.zeros_(parameter)
                if name.startswith("bias_ih"):
                    with torch.no_grad():  # gates in the order input, forget, cell, output
                        parameter[config.d_hidden : 2 * config.d_hidden] = 1.0

    def hidden(self, ids: Tensor) -> Tensor:
        """The states that predict the next tokens: (B, T) int64 -> (B, T, d_model), starting from nothing."""
        states: Tensor = self.drop(self.lstm(self.drop(self.wte(ids)))[0])  # (B, T, d_hidden)
        if self.proj is not None:
            states = self.proj(states)
        return states

    def logits(self, hidden: Tensor) -> Tensor:
        """(..., d_model) -> (..., n_vocab): the output layer shares the token embedding's weights."""
        return F.linear(hidden, self.wte.weight)

    def forward(self, ids: Tensor) -> Tensor:
        """Scores of the next token at every position: (B, T) int64 -> (B, T, n_vocab)."""
        return self.logits(self.hidden(ids))

    def loss(self, ids: Tensor, targets: Tensor) -> Tensor:
        """Mean negative log-likelihood, in nats, of the targets that are not ignored: (B, T) int64 each."""
        return chunked_cross_entropy(self.hidden(ids).flatten(0, 1), self.wte.weight, targets.flatten())
