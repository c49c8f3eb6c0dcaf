"""What the experiments on tuned tasks share: the rows, one fine-tuning, and its score, kept on disk."""

from __future__ import annotations

import math
import operator
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import torch
from pydantic import model_validator

from gptrepro import storage
from gptrepro.evaluate.metrics import task_scores
from gptrepro.experiments.base import Budget, Config, CorpusRef, Unit, UnitOver
from gptrepro.experiments.training import TextTraining
from gptrepro.finetune import SpecialTokens, encode, fine_tune, predict, with_layers_of
from gptrepro.model import Decoder
from gptrepro.model.lstm import LSTMLanguageModel
from gptrepro.published import GPT1_FINE_TUNING, FineTuningRecipe
from gptrepro.tasks.gpt1 import find_task
from gptrepro.tasks.labelled import Example, Task, TaskData, load_task, subsample
from gptrepro.tokenizer import Tokenizer
from gptrepro.train.stopping import EarlyStopping

TOKENS_A_ROW = 64
"""Tokens in all sequences of a labelled row, for planning: 13 in CoLA's, 145 in MRPC's two orders."""


class Arm(Config):
    """One way to train on labelled rows."""

    layers: int | None
    """Layers carried over from the pre-trained model: 0 are its embeddings alone, None nothing at all."""
    lm_weight: float
    """Of the auxiliary objective; 0 leaves it out."""
    peak_learning_rate: float
    updates: int | None
    """Of each training: fewer rows are read more often, so that every training makes as many. None is the
    paper's three epochs."""

    def updates_on(self, rows: int, batch_size: int) -> int:
        """Updates of a training on so many rows."""
        return self.updates or math.ceil(GPT1_FINE_TUNING.epochs * rows / batch_size)


class TunedTasksConfig(Config):
    """Which tasks, on how many rows, in which ways."""

    pretraining: TextTraining
    tasks: dict[str, tuple[int, ...]]
    """The tasks, and numbers of training rows in ascending order; the last is the table's. What a data set
    lacks to a number is left out."""
    arms: dict[str, Arm]
    batch_size: int
    """Labelled rows in an update."""
    warmup_fraction: float
    head_dropout: float
    dev_rows: int
    test_rows: int
    """Rows of the test set that are scored, the same for all arms and seeds; all where there are fewer."""
    evaluate_every: int | None = None
    """With ``patience``: updates between scorings of the dev rows, the best of which gives the weights that
    are kept. When None, every training makes all its updates and keeps its last weights."""
    patience: int | None = None
    """Scorings in a row without a better one that end a training."""

    @model_validator(mode="after")
    def _stops_by_both_or_none(self) -> TunedTasksConfig:
        if (self.evaluate_every is None) != (self.patience is None):
            raise ValueError("early stopping needs both evaluate_every and patience")
        return self

    @property
    def corpora(self) -> list[CorpusRef]:
        """The labelled data, and the text that the tokenizer was trained on."""
        sets = [(task.data_set, split) for task in self.declared for split in task.splits.values()]
        return [*self.pretraining.train_corpora, *(CorpusRef(*one) for one in dict.fromkeys(sets))]

    @property
    def declared(self) -> list[Task]:
        """The tasks."""
        return [find_task(name) for name in self.tasks]

    def recipe(self, arm: Arm, rows: int) -> FineTuningRecipe:
        """How an arm trains on so many rows."""
        return FineTuningRecipe(
            peak_learning_rate=arm.peak_learning_rate,
            batch_size=self.batch_size,
            epochs=arm.updates_on(rows, self.batch_size) * self.batch_size / rows,
            warmup_fraction=self.warmup_fraction,
            lm_weight=arm.lm_weight,
            head_dropout=self.head_dropout,
        )

    def budget(self) -> Budget:
        """What the fine-tunings of one seed cost, at about `TOKENS_A_ROW`."""
        updates = sum(
            arm.updates_on(rows, self.batch_size)
            for arm in self.arms.values()
            for counts in self.tasks.values()
            for rows in counts
        )
        tokens = updates * self.batch_size * TOKENS_A_ROW
        return Budget(self.pretraining.budget().parameters, tokens, self.flops(tokens), updates)

    def flops(self, tokens: float) -> float:
        """What a training on so many tokens costs."""
        one = self.pretraining.budget()
        return tokens * one.flops / one.tokens


@dataclass(frozen=True)
class TaskScore:
    """What one way of learning a task gave."""

    score: float
    """The task's first metric x 100."""
    tokens: int = 0
    """Read in the training of a network, with what fills up the shorter sequences of a batch."""
    precision: str | None = None
    """The number format of that training."""
    right: list[bool] | None = None
    """Whether each example was predicted right, where the metric is the mean of that."""


class TaskRows:
    """The rows of a task as an experiment uses them."""

    def __init__(self, config: TunedTasksConfig, task: Task) -> None:
        self.task = task
        self.data: TaskData = load_task(task)
        self.dev = _at_most(config.dev_rows, self.data.dev)
        self.test = _at_most(config.test_rows, self.data.test)

    def train(self, rows: int, seed: int) -> list[Example]:
        """So many training rows, or all; with one seed, fewer are always among more."""
        return subsample(self.data.train, min(rows, len(self.data.train)), seed)

    def score(self, examples: Sequence[Example], predicted: Sequence[int | float]) -> TaskScore:
        """What predictions for these examples are worth."""
        right = [example.label for example in examples]
        metric = self.task.metrics[0]
        return TaskScore(
            score=100 * task_scores(self.task, right, predicted)[metric],
            right=[*map(operator.eq, right, predicted)] if metric == "accuracy" else None,
        )


def _at_most(rows: int, examples: list[Example]) -> list[Example]:
    # One seed for all: every arm and every seed of an experiment is scored on the same rows.
    return subsample(examples, min(rows, len(examples)), 0)


def precision_of(scores: Iterable[TaskScore]) -> str:
    """The number format of the trainings, or the formats."""
    return " and ".join(sorted({score.precision for score in scores if score.precision})) or "fp32"


def fine_tuned(
    config: TunedTasksConfig,
    name: str,
    rows: TaskRows,
    n_rows: int,
    pretrained: Decoder | LSTMLanguageModel,
    tokenizer: Tokenizer,
    unit: Unit,
    scored: list[Example],
) -> TaskScore:
    """Train one arm on a task and score it on ``scored``; the score is kept, the weights are not.

    Args:
        config: holds the arm called ``name``.
        name: of the arm.
        rows: of the task.
        n_rows: to train on.
        pretrained: what the arm's layers are carried over from.
        tokenizer: of the pre-training.
        unit: its seed draws the rows, their order and what is new in the model.
        scored: dev or test rows.

    Raises:
        UnitOver: the unit's time is used up; the next call goes on.
    """
    arm, task = config.arms[name], rows.task
    updates = arm.updates_on(n_rows, config.batch_size)
    folder = unit.folder / task.name / f"{name}-{n_rows}-{arm.peak_learning_rate:g}-{updates}"

    watched = f"dev_{task.metrics[0]}"
    stopping = EarlyStopping(watched, patience=config.patience) if config.patience else None

    def train_and_score() -> dict[str, Any]:
        chosen = rows.train(n_rows, unit.seed)
        torch.manual_seed(unit.seed)
        body = with_layers_of(pretrained, config.pretraining.model(), arm.layers)
        model, result = fine_tune(
            body,
            task,
            tokenizer,
            chosen,
            folder / "training",
            dev=rows.dev if stopping else (),
            recipe=config.recipe(arm, len(chosen)),
            evaluate_every=config.evaluate_every,
            stopping=stopping,
            seed=unit.seed,
            precision=config.pretraining.precision,
            device=unit.device,
            stop_after_seconds=unit.seconds_left(),
            compiled=unit.compile,
            keep_last=False,
            name=f"seed {unit.seed}, {task.title}, {name}, {len(chosen):,} rows",
        )
        if not result.finished:
            raise UnitOver
        special = SpecialTokens.after(config.pretraining.n_vocab)
        encoded = encode(task, scored, tokenizer, special, config.pretraining.n_ctx)
        predicted = model.predictions(predict(model, encoded)).tolist()
        precision = result.resolved.precision if result.resolved else None
        return asdict(replace(rows.score(scored, predicted), tokens=result.tokens, precision=precision))

    score = TaskScore(**storage.remembered(folder / "outcome.json", train_and_score))
    shutil.rmtree(folder / "training", ignore_errors=True)
    return score
