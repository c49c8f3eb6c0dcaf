"""Fine-tuning learns every kind of task, resumes, and predicts the same whatever is read together."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from gptrepro.evaluate.metrics import task_scores
from gptrepro.finetune import FineTuned, encode, fine_tune, predict
from gptrepro.finetune.batches import LabelledBatches
from gptrepro.model import Decoder
from gptrepro.published import GPT1_FINE_TUNING
from gptrepro.tasks.labelled import Example
from gptrepro.train.loop import TrainResult
from gptrepro.train.stopping import EarlyStopping
from tests.finetune.toy import TOY, Words, marked_examples, random_rows, toy_model
from tests.model.small import small_decoder

RECIPE = replace(GPT1_FINE_TUNING, peak_learning_rate=3e-3, batch_size=16, epochs=6)


def tune(folder: Path, name: str, examples: list[Example], **choices: Any) -> tuple[FineTuned, TrainResult]:
    """Fine-tune an untrained model on a toy task."""
    torch.manual_seed(3)
    body = Decoder(small_decoder(n_layers=2).config)
    options: dict[str, Any] = {
        "recipe": RECIPE,
        "precision": "fp32",
        "device": "cpu",
        "progress": False,
    } | choices
    return fine_tune(body, TOY[name], Words(), examples, folder, **options)


@pytest.mark.parametrize("name", ["text", "alike", "choice"])
def test_a_word_that_gives_the_label_away_is_learned(tmp_path: Path, name: str) -> None:
    task = TOY[name]
    train, dev = marked_examples(task.kind, 240), marked_examples(task.kind, 60, seed=1)
    model, result = tune(tmp_path, name, train, dev=dev)
    assert result.finished and result.step == 90
    score = result.history[-1][f"dev_{task.metrics[0]}"]
    assert score > 0.9
    rows = encode(task, dev, Words(), model.special, 64)
    predicted = model.predictions(predict(model, rows)).tolist()
    assert task_scores(task, [one.label for one in dev], predicted)[task.metrics[0]] == score


def test_a_score_is_learned(tmp_path: Path) -> None:
    def scored(n: int, seed: int) -> list[Example]:
        marked = marked_examples("similarity", n, seed)
        return [replace(one, label=4.0 if one.label else 1.0) for one in marked]

    _, result = tune(tmp_path, "score", scored(240, 0), dev=scored(60, 1))
    assert result.history[-1]["dev_pearson"] > 0.8


def test_what_comes_back_is_what_was_best_on_dev_rows(tmp_path: Path) -> None:
    task, train, dev = TOY["text"], *(marked_examples("classification", n, n) for n in (240, 60))
    stopping = EarlyStopping("dev_accuracy", lower_is_better=True)  # it learns, so the best comes first
    model, result = tune(tmp_path, "text", train, dev=dev, evaluate_every=10, stopping=stopping)
    along = [row["dev_accuracy"] for row in result.history if "dev_accuracy" in row]
    predicted = model.predictions(predict(model, encode(task, dev, Words(), model.special, 64))).tolist()
    score = task_scores(task, [one.label for one in dev], predicted)["accuracy"]
    assert score == min(along) < along[-1]


def test_a_stopped_training_goes_on_as_if_it_had_not(tmp_path: Path) -> None:
    examples = marked_examples("classification", 48)
    whole, result = tune(tmp_path / "whole", "text", examples)
    stopped = 0
    while not (part := tune(tmp_path / "parts", "text", examples, stop_after_seconds=0.0))[1].finished:
        stopped += 1
    assert stopped > 5
    assert [row["loss"] for row in part[1].history] == [row["loss"] for row in result.history]
    for name, weight in whole.state_dict().items():
        assert torch.equal(weight, part[0].state_dict()[name]), name


def test_the_seed_decides_everything_and_the_given_model_is_untouched(tmp_path: Path) -> None:
    examples = marked_examples("classification", 32)
    first, second, other = (
        tune(tmp_path / str(i), "text", examples, seed=seed)[0] for i, seed in enumerate((0, 0, 1))
    )
    assert torch.equal(first.head.weight, second.head.weight)
    assert not torch.equal(first.head.weight, other.head.weight)


@pytest.mark.parametrize("name", sorted(TOY))
def test_predictions_do_not_depend_on_what_is_read_together(name: str) -> None:
    model, rows = toy_model(TOY[name]).double(), random_rows(TOY[name], 23)
    together, alone = predict(model, rows, batch_size=23), predict(model, rows, batch_size=1)
    torch.testing.assert_close(together, alone, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(predict(model, rows[::-1], batch_size=5).flip(0), alone, rtol=1e-5, atol=1e-5)
    assert not model.training


def test_the_papers_recipe_reads_every_row_three_times() -> None:
    batches = LabelledBatches(random_rows(TOY["text"], 100), GPT1_FINE_TUNING.batch_size, seed=0)
    drawn = [batches.next() for _ in range(GPT1_FINE_TUNING.settings(100, 64).steps)]
    read = sum(len(ids) for ids, _ in drawn)
    assert 300 <= read < 300 + GPT1_FINE_TUNING.batch_size
