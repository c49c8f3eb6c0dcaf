"""How GPT-1 is fine-tuned: the sequences that rows become, what the output layer reads, the loss, the recipe.

Rows of the declared tasks are encoded byte by byte, and their texts are named after their roles, so that a
sequence of ids spells the order in which the model reads them.
"""

from __future__ import annotations

import dataclasses
import math
import tempfile
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from gptrepro.finetune import EncodedExample, FineTuned, SpecialTokens, encode, fine_tune
from gptrepro.finetune.inputs import collate
from gptrepro.model import Decoder
from gptrepro.probes.built import captured, reduced
from gptrepro.probes.registry import register
from gptrepro.published import GPT1_FINE_TUNING
from gptrepro.tasks.gpt1 import find_task
from gptrepro.tasks.labelled import Example, Task, read_row

_ROWS: dict[str, dict[str, Any]] = {
    "sst2": {"sentence": "text"},
    "snli": {"premise": "premise", "hypothesis": "hypothesis"},
    "qqp": {"question1": "a", "question2": "b"},
    "race-m": {"article": "document", "question": "question", "choices": "ABCD"},
}
"""A row of a task of each kind; its texts are their own names, but for the answers, which must differ."""

CLOSE = 1e-4
"""States, losses and shares that differ by less are equal but for rounding."""


class _Bytes:
    """Each byte is a token."""

    end_of_text = None

    def encode(self, text: str) -> list[int]:
        """The ids of a text."""
        return list(text.encode())

    def decode(self, ids: Sequence[int]) -> str:
        """The text of ids."""
        return bytes(ids).decode()


def _example(task: Task) -> Example:
    """The row of ``_ROWS`` as the task reads it."""
    example = read_row(task, _ROWS[task.name] | {task.label: 0}, task.name)
    assert example is not None  # it has a label
    return example


def _tuned(model: str, task: Task, **options: float) -> FineTuned:
    """The reduced model with a task's output layer, in evaluation mode."""
    with torch.random.fork_rng([]):
        torch.manual_seed(0)
        return FineTuned(reduced(model), task, **options).eval()


def _encoded(tuned: FineTuned, task: Task) -> EncodedExample:
    (encoded,) = encode(task, [_example(task)], _Bytes(), tuned.special, tuned.body.config.n_ctx)
    return encoded


def _spelled(ids: list[int], special: SpecialTokens) -> str:
    """The roles of the tokens in their order, such as ``start, text, extract``."""
    names = dict(zip(special, special._fields, strict=True))
    return ", ".join("".join(f" {names[i]} " if i in names else chr(i) for i in ids).split())


def _single_sequence(model: str, name: str) -> dict[str, str]:
    """The sequence that a row becomes, and at which of its tokens the output layer reads the state."""
    task = find_task(name)
    tuned = _tuned(model, task)
    encoded = _encoded(tuned, task)
    (ids,) = encoded.sequences
    entering, _ = captured(tuned.head, lambda: tuned(collate([encoded])[0]))
    with torch.no_grad():
        distance = (tuned.body.hidden(torch.tensor([ids]))[0] - entering[0]).abs().amax(-1)  # (T,)
    read = [
        _spelled([i], tuned.special) for i, far in zip(ids, distance.tolist(), strict=True) if far < CLOSE
    ]
    return {"sequence": _spelled(ids, tuned.special), "read_at": ", ".join(read)}


@register
def classification_input(model: str) -> dict[str, str]:
    """What becomes of a text (SST-2), and where it is read."""
    return _single_sequence(model, "sst2")


@register
def entailment_input(model: str) -> dict[str, str]:
    """What becomes of a premise and a hypothesis (SNLI), and where they are read."""
    return _single_sequence(model, "snli")


def _last_states(tuned: FineTuned, encoded: EncodedExample) -> Tensor:
    """The state at the end of each sequence, read by itself: (S, d_model)."""
    with torch.no_grad():
        return torch.cat([tuned.body.hidden(torch.tensor([ids]))[:, -1] for ids in encoded.sequences])


@register
def similarity_input(model: str) -> dict[str, Any]:
    """What becomes of two texts without an order (QQP), and whether their last states are read as a sum."""
    task = find_task("qqp")
    tuned = _tuned(model, task)
    encoded = _encoded(tuned, task)
    entering, _ = captured(tuned.head, lambda: tuned(collate([encoded])[0]))
    states = _last_states(tuned, encoded)
    return {
        "sequences": "; ".join(_spelled(ids, tuned.special) for ids in encoded.sequences),
        "states_are_added": torch.allclose(entering.flatten(), states.sum(0), atol=CLOSE),
    }


@register
def question_input(model: str) -> dict[str, Any]:
    """What becomes of a question with four answers (RACE), and whether a softmax over them decides.

    The probability of an answer is taken from the loss when that answer is the right one. It should be the
    softmax of what the output layer makes of each sequence alone. The output layer is made steep, so that the
    answers differ.
    """
    task = find_task("race-m")
    tuned = _tuned(model, task, lm_weight=0.0)
    encoded = _encoded(tuned, task)
    ids, _ = collate([encoded])
    with torch.no_grad():
        tuned.head.weight *= 100
        scores = tuned.head(_last_states(tuned, encoded))[:, 0]
        shares = torch.stack([torch.exp(-tuned.loss(ids, torch.tensor([k]))) for k in range(len(scores))])
    spelled = [_spelled(sequence, tuned.special) for sequence in encoded.sequences]
    each = {
        text.replace(answer, "answer") for answer, text in zip(_example(task).answers, spelled, strict=False)
    }
    return {
        "sequence": "; ".join(sorted(each)),
        "one_for_each_answer": len(spelled) == len(task.answers),
        "softmax_over_answers": torch.allclose(shares, scores.softmax(0), atol=CLOSE),
    }


def _language_weight(tuned: FineTuned, encoded: EncodedExample) -> float:
    """What the loss of a row holds beside the loss of its label, as a multiple of the language model's loss.

    The latter is the mean over the row's sequences, each read by itself by the language model alone.
    """
    ids, labels = collate([encoded])
    with torch.no_grad():
        of_label = F.cross_entropy(tuned(ids), labels)
        sequences = [torch.tensor([sequence]) for sequence in encoded.sequences]
        of_tokens = torch.stack([tuned.body.loss(one[:, :-1], one[:, 1:]) for one in sequences]).mean()
        return float((tuned.loss(ids, labels) - of_label) / of_tokens)


@register
def fine_tuning_objective(model: str) -> str:
    """The loss in terms of the label's (L2) and the tokens' (L1), solved on a row of each kind of task."""
    found = []
    for name in _ROWS:
        task = find_task(name)
        tuned = _tuned(model, task)
        found.append(_language_weight(tuned, _encoded(tuned, task)))
    return f"L2 + {found[0]:.3g} L1" if max(found) - min(found) < CLOSE else "not of that form"


def _zeroed(tuned: FineTuned, encoded: EncodedExample) -> float:
    """Share of what enters the output layer that training mode sets to zero, to two decimals."""
    ids, _ = collate([encoded] * 512)
    with torch.random.fork_rng([]):
        torch.manual_seed(0)
        tuned.train()
        entering, _ = captured(tuned.head, lambda: tuned(ids))
        tuned.eval()
    return round(float((entering == 0).float().mean()), 2)


@register
def fine_tuning_recipe(model: str) -> dict[str, Any]:
    """The recipe, run: on 64 rows the training itself, on 32,000 its schedule.

    The training tells the rows in an update, the epochs, the weight of the language model and the dropout
    before the output layer; the schedule, which takes more than 6 updates to show, its peak, when it is
    reached and what follows.
    """
    task, n_rows = find_task("sst2"), 64
    with torch.random.fork_rng([]):
        torch.manual_seed(0)
        shallow = Decoder(dataclasses.replace(reduced(model).config, n_layers=1))  # no recipe knows the depth
    with tempfile.TemporaryDirectory() as folder:
        tuned, result = fine_tune(
            shallow, task, _Bytes(), [_example(task)] * n_rows, Path(folder),
            recipe=GPT1_FINE_TUNING, precision="fp32", device="cpu", progress=False,
        )  # fmt: skip
    encoded = _encoded(tuned, task)
    tokens_of_row = sum(map(len, encoded.sequences))
    settings = GPT1_FINE_TUNING.settings(32_000, tuned.body.config.n_ctx)
    rates = [settings.learning_rate(update, 0) for update in range(1, settings.steps + 1)]
    peak = max(rates)
    warmup = rates.index(peak) + 1
    falls = [before - after for before, after in pairwise(rates[warmup - 1 :])]
    even = math.isclose(min(falls), max(falls), rel_tol=1e-6) and rates[-1] == 0
    return {
        "learning_rate": peak,
        "batch": result.history[0]["tokens"] / tokens_of_row,
        "epochs": result.tokens / tokens_of_row / n_rows,
        "warmup_fraction": warmup / settings.steps,
        "schedule": "linear" if even else "not a line to zero",
        "lm_weight": round(_language_weight(tuned, encoded), 3),
        "classifier_dropout": _zeroed(tuned, encoded),
    }


@register
def fine_tuning_parameters(model: str) -> dict[str, int]:
    """What a model for three labels (SNLI) has beside the values of the pre-trained one.

    Matrices from a state to the labels, rows of the token embedding, and all other values that are new or not
    as pre-training left them.
    """
    pretrained, task = reduced(model), find_task("snli")
    tuned = _tuned(model, task)
    before = {f"body.{name}": p for name, p in pretrained.named_parameters()}
    matrices = rows = others = 0
    for name, p in tuned.named_parameters():
        if name in before:
            old = before[name]
            carried = int((p[: len(old)] == old).sum())
            wider = len(p) - len(old) if p is tuned.body.wte.weight else 0
            rows += wider
            others += p.numel() - carried - wider * p[0].numel()
        elif p.shape == (len(task.labels), pretrained.wte.weight.shape[1]):
            matrices += 1
        else:
            others += p.numel()
    return {"output_matrices": matrices, "token_embeddings": rows, "other_parameters": others}
