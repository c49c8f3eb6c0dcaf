"""Fine-tune a pre-trained model on labelled rows, and predict."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor

from gptrepro.evaluate.metrics import task_scores
from gptrepro.finetune.batches import LabelledBatches
from gptrepro.finetune.inputs import EncodedExample, collate, encode
from gptrepro.finetune.model import FineTuned
from gptrepro.model import Decoder
from gptrepro.model.language_model import texts_together
from gptrepro.model.lstm import LSTMLanguageModel
from gptrepro.published import GPT1_FINE_TUNING, FineTuningRecipe
from gptrepro.tasks.labelled import Example, Task
from gptrepro.tokenizer import TextEncoder
from gptrepro.train.loop import TrainResult, train
from gptrepro.train.settings import PrecisionChoice
from gptrepro.train.state import load_weights
from gptrepro.train.stopping import EarlyStopping, best_weights

CURVE_POINTS = 64
"""Rows that the training log has at most."""


def fine_tune(
    pretrained: Decoder | LSTMLanguageModel,
    task: Task,
    tokenizer: TextEncoder,
    examples: Sequence[Example],
    folder: Path,
    *,
    dev: Sequence[Example] = (),
    recipe: FineTuningRecipe = GPT1_FINE_TUNING,
    evaluate_every: int | None = None,
    stopping: EarlyStopping | None = None,
    seed: int = 0,
    precision: PrecisionChoice = "auto",
    device: str = "auto",
    stop_after_seconds: float | None = None,
    name: str = "fine-tuning",
    progress: bool = True,
    compiled: bool | None = None,
    keep_last: bool = True,
) -> tuple[FineTuned, TrainResult]:
    """Train a copy of ``pretrained`` on a task, or go on where an earlier call in this ``folder`` stopped.

    Args:
        pretrained: an untrained model makes the arm without pre-training.
        task: what to predict.
        tokenizer: that of the pre-training.
        examples: to train on.
        folder: see `gptrepro.train.loop.train`.
        dev: to be scored along the way; metrics are logged as ``dev_<metric>``.
        recipe: the paper's, unless another is wanted.
        evaluate_every: updates between scorings of ``dev``; an epoch's when None.
        stopping: return the weights that were best on ``dev``, and end when none better come.
        seed: of the new weights, the order of the rows and the dropout noise.
        precision, device, stop_after_seconds, name, progress, keep_last: see `gptrepro.train.loop.train`.
        compiled: see `gptrepro.train.settings.TrainSettings.compile`.

    Returns:
        The model, in evaluation mode, and how its training went.

    Raises:
        GptreproError: no examples, or what `gptrepro.train.loop.train` raises.
    """
    with torch.random.fork_rng([]):
        torch.manual_seed(seed)
        model = FineTuned(pretrained, task, lm_weight=recipe.lm_weight, dropout=recipe.head_dropout)
    context = pretrained.config.n_ctx
    rows, watched = (encode(task, some, tokenizer, model.special, context) for some in (examples, dev))
    batches = LabelledBatches(rows, recipe.batch_size, seed)
    settings = recipe.settings(len(rows), context, seed)
    settings = replace(
        settings,
        precision=precision,
        compile=compiled,
        log_every=max(1, settings.steps // CURVE_POINTS),
        evaluate_every=evaluate_every or max(1, int(settings.steps / recipe.epochs)),
    )
    result = train(
        model,
        batches,
        settings,
        folder,
        evaluate=(lambda trained: _dev_scores(trained, task, watched)) if watched else None,
        device=device,
        stop_after_seconds=stop_after_seconds,
        name=name,
        progress=progress,
        stopping=stopping,
        keep_last=keep_last,
    )
    if stopping is not None and result.finished:
        load_weights(model, best_weights(folder))
    return model, result


def _dev_scores(model: FineTuned, task: Task, rows: Sequence[EncodedExample]) -> dict[str, float]:
    predicted = model.predictions(predict(model, rows)).tolist()
    scores = task_scores(task, [row.label for row in rows], predicted)
    return {f"dev_{metric}": score for metric, score in scores.items()}


def predict(model: FineTuned, rows: Sequence[EncodedExample], batch_size: int | None = None) -> Tensor:
    """The outputs of ``model`` for encoded examples, in their order.

    Rows of similar length are read together; neither that nor the batch's size changes an output by more than
    rounding.

    Args:
        model: it is left in its mode and place.
        rows: the examples.
        batch_size: rows read together; as many as `texts_together` says when None.

    Returns:
        (N, n_labels) scores before the softmax, or (N, 1) for a score, on the CPU; see
        `FineTuned.predictions`.
    """
    device = next(model.parameters()).device
    if batch_size is None:
        batch_size = texts_together(device)
    was_training = model.training
    model.eval()
    by_length = sorted(range(len(rows)), key=lambda i: max(map(len, rows[i].sequences)))
    outputs: list[Tensor] = []
    with torch.inference_mode():
        for first in range(0, len(rows), batch_size):
            ids, _ = collate([rows[i] for i in by_length[first : first + batch_size]])
            outputs.append(model(ids.to(device)).float())
    model.train(was_training)
    return torch.cat(outputs).cpu()[torch.tensor(by_length).argsort()]
