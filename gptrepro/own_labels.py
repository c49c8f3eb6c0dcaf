"""Anyone's labelled rows: ``gptrepro finetune``, and ``gptrepro eval labels`` with what it made."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from gptrepro.errors import GptreproError
from gptrepro.evaluate.metrics import task_scores
from gptrepro.finetune.folders import load_fine_tuned, save_fine_tuned
from gptrepro.finetune.inputs import encode
from gptrepro.finetune.model import FineTuned
from gptrepro.finetune.tuning import fine_tune, predict
from gptrepro.model import Decoder
from gptrepro.own_text import open_checkpoint
from gptrepro.published import GPT1_FINE_TUNING, FineTuningRecipe
from gptrepro.tasks.labelled import Example, Task
from gptrepro.tasks.own_rows import held_out, read_examples, read_labelled
from gptrepro.tokenizer import TextEncoder
from gptrepro.train.settings import PrecisionChoice


def fine_tune_on_rows(
    *,
    checkpoint: Path,
    rows: Path,
    kind: str,
    output: Path,
    heldout: Path | None = None,
    recipe: FineTuningRecipe = GPT1_FINE_TUNING,
    seed: int = 0,
    precision: PrecisionChoice = "auto",
) -> dict[str, Any]:
    """Fine-tune a checkpoint on labelled rows and write what came of it into a folder.

    A second call with the same arguments goes on where the first one stopped: what it needs for that lies
    beside the folder, in ``OUTPUT.training``.

    Args:
        checkpoint: what `open_checkpoint` opens.
        rows: JSON lines; see `gptrepro.tasks.own_rows` for their forms.
        kind: classification, entailment, similarity or choice.
        output: the folder to write.
        heldout: rows to score on; by default a tenth of ``rows``.
        recipe: GPT-1's, unless another is wanted.
        seed: of the new weights, the order of the rows and the dropout noise.
        precision: of the passes.

    Returns:
        Rows trained on and scored, updates, and the scores of the held-out rows by metric.

    Raises:
        GptreproError: the checkpoint or the rows cannot be read, or the folder holds another model.
    """
    task, examples = read_labelled(rows, kind)
    training, scored = (examples, read_examples(heldout, task)) if heldout else held_out(examples)
    opened = open_checkpoint(checkpoint)
    state = output.with_name(f"{output.name}.training")
    if any(output.glob("*.safetensors")) and not any((state / "checkpoints").glob("step-*")):
        raise GptreproError(
            f"{output} holds another model, which fine-tuning would overwrite: choose another --output, or "
            "move that one away."
        )
    model, result = fine_tune(
        _over_first_positions(opened.model, opened.trained_context),
        task,
        opened.tokenizer,
        training,
        state,
        dev=scored,
        recipe=recipe,
        seed=seed,
        precision=precision,
        name=f"{checkpoint.name} on {rows.name}",
    )
    save_fine_tuned(output, model.cpu(), task, opened.tokenizer)
    return {
        "rows": len(training),
        "heldout_rows": len(scored),
        "labels": list(task.labels),
        "updates": result.step,
        **_scored(model, task, opened.tokenizer, scored)[0],
    }


def labels_of(checkpoint: Path, rows: Path) -> dict[str, Any]:
    """What a fine-tuned model makes of labelled rows.

    Returns:
        How many rows, the scores by metric and, row by row, the right and the predicted label or score.

    Raises:
        GptreproError: the folder or the rows cannot be read.
    """
    model, task, tokenizer = load_fine_tuned(checkpoint)
    examples = read_examples(rows, task)
    scores, predicted = _scored(model, task, tokenizer, examples)

    def named(label: float) -> str | float:
        return label if task.score else task.labels[int(label)]

    pairs = zip(examples, predicted, strict=True)
    found = [{"label": named(example.label), "predicted": named(each)} for example, each in pairs]
    return {"rows": len(found), **scores, "predictions": found}


def _over_first_positions(model: Decoder, context: int) -> Decoder:
    """The same weights with the positions that were trained: the others hold what they were drawn as."""
    with torch.device("meta"):
        shorter = Decoder(replace(model.config, n_ctx=context))
    weights = model.state_dict()
    if "wpe.weight" in weights:
        weights["wpe.weight"] = weights["wpe.weight"][:context]
    shorter.load_state_dict(weights, assign=True)
    return shorter


def _scored(
    model: FineTuned, task: Task, tokenizer: TextEncoder, examples: list[Example]
) -> tuple[dict[str, float], list[float]]:
    encoded = encode(task, examples, tokenizer, model.special, model.body.config.n_ctx)
    predicted = model.predictions(predict(model, encoded)).tolist()
    return task_scores(task, [one.label for one in examples], predicted), predicted


def recipe_of(**changes: Any) -> FineTuningRecipe:
    """GPT-1's recipe with what is not None in place of its own."""
    return replace(GPT1_FINE_TUNING, **{name: value for name, value in changes.items() if value is not None})
