"""A linear model of a pre-trained model's states, which stay as they are: what fine-tuning has to beat."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn.utils.rnn import pad_sequence

from gptrepro.finetune.baselines import linear_model
from gptrepro.finetune.inputs import FILLER
from gptrepro.model import Decoder
from gptrepro.model.language_model import device_of, texts_together
from gptrepro.model.lstm import LSTMLanguageModel
from gptrepro.tasks.labelled import Example, Task
from gptrepro.tokenizer import TextEncoder


def linear_on_frozen(
    task: Task,
    pretrained: Decoder | LSTMLanguageModel,
    tokenizer: TextEncoder,
    train: Sequence[Example],
    dev: Sequence[Example],
    test: Sequence[Example],
    *,
    context: int,
) -> list[int | float]:
    """What a linear model of frozen states predicts for the test examples; see `linear_model`.

    A text is the mean u of the states at its tokens. Two texts u and v, or a question and an answer, are the
    vectors u, v, |u - v| and u * v; where their order means nothing, u + v in the place of the first two.
    """
    from sklearn.preprocessing import StandardScaler  # slow to import

    features = [states_of(task, pretrained, tokenizer, some, context) for some in (train, dev, test)]
    scaler = StandardScaler().fit(features[0])
    return linear_model(task, train, dev, *(scaler.transform(rows) for rows in features))


def states_of(
    task: Task,
    pretrained: Decoder | LSTMLanguageModel,
    tokenizer: TextEncoder,
    examples: Sequence[Example],
    context: int,
) -> NDArray[np.floating]:
    """The features of the examples, or of each of their answers: (rows, features)."""
    if task.kind == "classification":
        return mean_states(pretrained, tokenizer, [example.texts[0] for example in examples], context)
    pairs = [
        texts
        for example in examples
        for texts in [(*example.texts, answer) for answer in example.answers] or [example.texts]
    ]
    u, v = (mean_states(pretrained, tokenizer, list(side), context) for side in zip(*pairs, strict=True))
    both = (u + v,) if task.kind == "similarity" else (u, v)
    return np.concatenate([*both, np.abs(u - v), u * v], axis=1)


def mean_states(
    pretrained: Decoder | LSTMLanguageModel,
    tokenizer: TextEncoder,
    texts: Sequence[str],
    context: int,
    batch_size: int | None = None,
) -> NDArray[np.floating]:
    """The mean state over the tokens of each text, (N, d_model); of a text without tokens, zeros.

    A text longer than ``context`` tokens loses its end. `texts_together` says how many are read together
    unless ``batch_size`` does.
    """
    device = device_of(pretrained)
    if batch_size is None:
        batch_size = texts_together(device)
    encoded = [torch.tensor(tokenizer.encode(text)[:context], dtype=torch.int64) for text in texts]
    by_length = sorted(range(len(texts)), key=lambda i: len(encoded[i]))
    means: list[NDArray[np.floating]] = [np.empty(0)] * len(texts)
    pretrained.eval()
    with torch.inference_mode():
        for first in range(0, len(texts), batch_size):
            chosen = by_length[first : first + batch_size]
            lengths = torch.tensor([len(encoded[i]) for i in chosen])[:, None]  # (B, 1)
            ids = pad_sequence([encoded[i] for i in chosen], batch_first=True, padding_value=FILLER)
            if ids.shape[1] == 0:
                ids = torch.full((len(chosen), 1), FILLER)
            real = (torch.arange(ids.shape[1]) < lengths)[:, :, None].to(device)  # (B, T, 1)
            states = pretrained.hidden(ids.to(device))  # (B, T, d_model)
            pooled = (states * real).sum(1) / lengths.clamp(min=1).to(device)
            for i, mean in zip(chosen, pooled.cpu().numpy(), strict=True):
                means[i] = mean
    return np.stack(means)
