"""GPT-1's fine-tuning (Tables 2 to 4), its ablations (Table 5) and layers carried over (Figure 2, left).

A seed takes a pre-trained model and, on every task, trains each arm on the same rows in the same order and
scores it once on the same test rows. Baselines that need no training of a network stand beside them.

    full          pre-trained, with the auxiliary objective: the paper's method
    no_aux        pre-trained, without it
    scratch       the same network, not pre-trained
    frozen        a linear model of the pre-trained model's states, which are left as they are
    bag_of_words  a linear model of the words that occur
    second_only   the same, which sees the hypothesis alone, for entailment
    majority      the most common label
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Literal

from gptrepro.errors import GptreproError
from gptrepro.experiments.base import FIRST_REPORT_SEED, Measurement, Unit
from gptrepro.experiments.gpt1.labelled import (
    LabelledConfig,
    LabelledRows,
    Outcome,
    average,
    fine_tuned,
    remembered,
    score_name,
    tokenizer_of,
)
from gptrepro.experiments.gpt1.pretraining import PRETRAINING, LSTMPretrainingConfig
from gptrepro.finetune.baselines import bag_of_words, majority
from gptrepro.finetune.frozen import linear_on_frozen
from gptrepro.model import Decoder
from gptrepro.model.lstm import LSTMLanguageModel
from gptrepro.scales import Scale
from gptrepro.tokenizer import Tokenizer
from gptrepro.train.loop import Interrupted

Baseline = Literal["majority", "bag_of_words", "second_only", "frozen"]

SEEDS = tuple(range(FIRST_REPORT_SEED, FIRST_REPORT_SEED + 5))


class FineTuningConfig(LabelledConfig):
    """Fine-tuning, and what it is compared with."""

    baselines: tuple[Baseline, ...]


class LSTMFineTuningConfig(FineTuningConfig):
    """The same on a pre-trained LSTM."""

    pretraining: LSTMPretrainingConfig


def pretraining_seed(seed: int) -> int:
    """The pre-training that a seed of the fine-tuning starts from: three of them serve all seeds in turn."""
    n = len(PRETRAINING.seeds[Scale.LAPTOP])
    return FIRST_REPORT_SEED + (seed - FIRST_REPORT_SEED) % n


def measure(config: FineTuningConfig, unit: Unit) -> Measurement:
    """Every arm on every task; a task that fails does not keep the others from being measured.

    Raises:
        GptreproError: tasks failed; what the others gave is kept.
    """
    (folder,) = unit.sources.values()
    pretrained = config.pretraining.pretrained(folder)
    tokenizer = tokenizer_of(config.pretraining, unit.prepared)
    metrics: dict[str, float] = {}
    failed: dict[str, str] = {}
    tokens = 0
    for task in config.declared:
        try:
            rows = LabelledRows(config, task)
            metrics |= _baseline_scores(config, rows, pretrained, tokenizer, unit)
            for name, outcome in _outcomes(config, rows, pretrained, tokenizer, unit).items():
                metrics[name] = outcome.score
                tokens += outcome.tokens
        except Interrupted:
            raise
        except GptreproError as error:
            failed[task.name] = str(error)
    if failed:
        raise GptreproError(
            f"{len(failed)} of {len(config.tasks)} tasks failed; the others are measured and kept, and the "
            "same command goes on with these: " + " ".join(f"[{name}] {why}" for name, why in failed.items())
        )
    for arm in (*config.arms, *config.baselines):
        if all(score_name(task, arm) in metrics for task in config.tasks):
            metrics[score_name("average", arm)] = average(
                metrics[score_name(task, arm)] for task in config.tasks
            )
    return Measurement(
        metrics={name: round(value, 3) for name, value in metrics.items()},
        history=[],
        tokens=tokens,
        flops=config.flops(tokens),
        tokenizer=tokenizer.digest,
    )


def _outcomes(
    config: FineTuningConfig,
    rows: LabelledRows,
    pretrained: Decoder | LSTMLanguageModel,
    tokenizer: Tokenizer,
    unit: Unit,
) -> dict[str, Outcome]:
    counts = config.tasks[rows.task.name]
    return {
        score_name(rows.task.name, arm, None if n == counts[-1] else n): fine_tuned(
            config, arm, rows, n, pretrained, tokenizer, unit, rows.test
        )
        for arm in config.arms
        for n in counts
    }


def _baseline_scores(
    config: FineTuningConfig,
    rows: LabelledRows,
    pretrained: Decoder | LSTMLanguageModel,
    tokenizer: Tokenizer,
    unit: Unit,
) -> dict[str, float]:
    task, dev, test = rows.task, rows.dev, rows.test
    train = rows.train(config.tasks[task.name][-1], unit.seed)
    ways: dict[Baseline, Callable[[], list[int | float]]] = {
        "majority": lambda: majority(task, train, len(test)),
        "bag_of_words": lambda: bag_of_words(task, train, dev, test),
        "second_only": lambda: bag_of_words(task, train, dev, test, second_only=True),
        "frozen": lambda: linear_on_frozen(
            task, pretrained, tokenizer, train, dev, test, context=config.pretraining.n_ctx
        ),
    }
    chosen = [name for name in config.baselines if name != "second_only" or task.kind == "entailment"]
    return {
        score_name(task.name, name): remembered(
            unit.folder / task.name / f"{name}.json", partial(_scored, rows, ways[name])
        )
        for name in chosen
    }


def _scored(rows: LabelledRows, predict: Callable[[], list[int | float]]) -> float:
    return rows.score(rows.test, predict())


_CHEAP = (100, 500, 2000)
"""Rows of the tasks with short texts, whose curves the chapter draws."""

_LAPTOP_TASKS = {
    "sst2": _CHEAP,
    "cola": (2000,),
    "novel-word-order": _CHEAP,
    "sick": _CHEAP,
    "snli-sample": (2000,),
    "mrpc": (1000,),
    "stsb": (1000,),
    "novel-continuation": (1000,),
}

_PUBLISHED_TASKS = dict.fromkeys(
    (
        *("sst2", "cola", "novel-word-order", "sick", "snli", "scitail", "qnli", "rte", "mnli-m", "mnli-mm"),
        *("mrpc", "stsb", "qqp", "race-m", "race-h", "novel-continuation"),
    ),
    (100, 500, 2000, 1_000_000),
)
