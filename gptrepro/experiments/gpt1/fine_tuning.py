"""GPT-1's fine-tuning (Tables 2 to 4) and its ablations (Table 5).

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

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
from functools import partial
from typing import Any, Literal, Self, get_args

from gptrepro import storage
from gptrepro.errors import GptreproError
from gptrepro.experiments.base import (
    FIRST_REPORT_SEED,
    Coordinate,
    Experiment,
    Measurement,
    NotBelow,
    Outcomes,
    Row,
    Unit,
    register,
)
from gptrepro.experiments.gpt1.guessing import of_constant_answer
from gptrepro.experiments.gpt1.pretraining import LSTM_PRETRAINING, PRETRAINING
from gptrepro.experiments.gpt1.tuned_tasks import (
    Arm,
    TaskRows,
    TaskScore,
    TunedTasksConfig,
    fine_tuned,
    precision_of,
)
from gptrepro.finetune.baselines import bag_of_words, majority
from gptrepro.finetune.frozen import linear_on_frozen
from gptrepro.model import Decoder
from gptrepro.model.lstm import LSTMLanguageModel
from gptrepro.published import GPT1_FINE_TUNING
from gptrepro.scales import Scale
from gptrepro.tokenizer import Tokenizer
from gptrepro.train.loop import Interrupted

Baseline = Literal["majority", "bag_of_words", "second_only", "frozen"]

ARM_LABELS: dict[Coordinate, str] = {
    "full": "pre-trained Transformer",
    "no_aux": "without the auxiliary objective",
    "scratch": "Transformer from scratch",
    "lstm": "pre-trained LSTM",
    "frozen": "pre-trained, frozen",
    "bag_of_words": "words",
    "second_only": "words of the second text",
    "majority": "constant",
}

SEEDS = tuple(range(FIRST_REPORT_SEED, FIRST_REPORT_SEED + 5))


class FineTuningConfig(TunedTasksConfig):
    """Fine-tuning, and what it is compared with."""

    baselines: tuple[Baseline, ...]

    def parts(self) -> dict[str, Self]:
        """Each task by itself."""
        return {name: self.model_copy(update={"tasks": {name: rows}}) for name, rows in self.tasks.items()}


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
    pretrained = config.pretraining.pretrained(folder, device=unit.device)
    tokenizer = config.pretraining.load_tokenizer(unit.prepared)
    measured: list[tuple[Row, TaskScore]] = []
    failed: dict[str, str] = {}
    for task in config.declared:
        try:
            rows = TaskRows(config, task)
            measured += _baselines(config, rows, pretrained, tokenizer, unit)
            measured += _fine_tunings(config, rows, pretrained, tokenizer, unit)
        except Interrupted:
            raise
        except GptreproError as error:
            failed[task.name] = str(error)
    if failed:
        raise GptreproError(
            f"{len(failed)} of {len(config.tasks)} tasks failed; the others are measured and kept, and the "
            "same command goes on with these: " + " ".join(f"[{name}] {why}" for name, why in failed.items())
        )
    tokens = sum(score.tokens for _, score in measured)
    return Measurement(
        rows=[{"value": round(score.score, 3), **where} for where, score in measured],
        outcomes=[Outcomes(where, score.right) for where, score in measured if score.right is not None],
        history=[],
        tokens=tokens,
        flops=config.flops(tokens),
        tokenizer=tokenizer.digest,
        precision=precision_of(score for _, score in measured),
    )


def _fine_tunings(
    config: FineTuningConfig,
    rows: TaskRows,
    pretrained: Decoder | LSTMLanguageModel,
    tokenizer: Tokenizer,
    unit: Unit,
) -> Iterator[tuple[Row, TaskScore]]:
    """Every arm on a task, with the coordinates of its score."""
    for name, arm in config.arms.items():
        layers: Row = {} if arm.layers is None else {"layers": arm.layers}
        for n in config.tasks[rows.task.name]:
            score = fine_tuned(config, name, rows, n, pretrained, tokenizer, unit, rows.test)
            yield _coordinates(rows, name, n) | layers, score


def _baselines(
    config: FineTuningConfig,
    rows: TaskRows,
    pretrained: Decoder | LSTMLanguageModel,
    tokenizer: Tokenizer,
    unit: Unit,
) -> Iterator[tuple[Row, TaskScore]]:
    """Every baseline on a task, trained on its largest number of rows, with the coordinates of its score."""
    task, dev, test = rows.task, rows.dev, rows.test
    n = config.tasks[task.name][-1]
    train = rows.train(n, unit.seed)
    ways: dict[Baseline, Callable[[], list[int | float]]] = {
        "majority": lambda: majority(task, train, len(test)),
        "bag_of_words": lambda: bag_of_words(task, train, dev, test),
        "second_only": lambda: bag_of_words(task, train, dev, test, second_only=True),
        "frozen": lambda: linear_on_frozen(
            task, pretrained, tokenizer, train, dev, test, context=config.pretraining.n_ctx
        ),
    }
    for name in config.baselines:
        if name != "second_only" or task.kind == "entailment":
            kept = unit.folder / task.name / name / "outcome.json"
            score = TaskScore(**storage.remembered(kept, partial(_scored, rows, ways[name])))
            yield _coordinates(rows, name, n), score


def _scored(rows: TaskRows, predict: Callable[[], list[int | float]]) -> dict[str, Any]:
    return asdict(rows.score(rows.test, predict()))


def _coordinates(rows: TaskRows, arm: str, n_rows: int) -> Row:
    return {"score": rows.task.metrics[0], "task": rows.task.name, "arm": arm, "rows": n_rows}


_CURVE = (100, 500, 2000)
"""Rows of the tasks whose texts are short enough for curves on a laptop."""

_ALL_ROWS = {
    "sst2": 67_349,
    "cola": 8_551,
    "sick": 4_440,
    "snli": 549_367,
    "mnli-m": 392_702,
    "mnli-mm": 392_702,
    "qnli": 104_743,
    "scitail": 23_596,
    "rte": 2_490,
    "mrpc": 3_668,
    "stsb": 5_749,
    "qqp": 363_846,
    "race-m": 87_866,
    "race-h": 87_866,
    "novel-word-order": 10_000,
    "novel-continuation": 10_000,
}
"""Rows of the published training sets, and as many in-domain rows as four novels give at the most."""


def _shared(scale: Scale) -> dict[str, Any]:
    """What all experiments on labelled tasks have in common at a scale."""
    laptop = {"batch_size": 16, "dev_rows": 500, "test_rows": 2000}
    published = {"batch_size": GPT1_FINE_TUNING.batch_size, "dev_rows": 10_000, "test_rows": 100_000}
    on_a_card = {"batch_size": GPT1_FINE_TUNING.batch_size, "dev_rows": 1000, "test_rows": 4000}
    return {
        "warmup_fraction": GPT1_FINE_TUNING.warmup_fraction,
        "head_dropout": GPT1_FINE_TUNING.head_dropout,
    } | {
        Scale.SMOKE: {"batch_size": 8, "dev_rows": 32, "test_rows": 64},
        Scale.LAPTOP: laptop,
        Scale.GPU: on_a_card | {"evaluate_every": 100, "patience": 5},
        Scale.PAPER: published,
    }[scale]


_LAPTOP_RATES_AND_UPDATES = {
    "full": (5e-4, 300),
    "no_aux": (2.5e-4, 150),
    "scratch": (1e-3, 300),
    "lstm": (1e-2, 300),
}
_GPU_RATES_AND_UPDATES = {
    "full": (2.5e-4, 500),
    "no_aux": (1.25e-4, 500),
    "scratch": (6.25e-5, 1200),  # may go on for longer, since it gains for longer
    "lstm": (5e-3, 500),
}
"""What the pilots chose, and the most updates on a GPU. There the rate of ``scratch`` lay at the low edge of
a narrower sweep: what rests on it waits for the sweep of today."""


def _arm(scale: Scale, name: str, layers: int | None, lm_weight: float) -> Arm:
    """An arm with what the pilots chose, and the paper's recipe at its own scale."""
    (laptop_rate, laptop_updates), (gpu_rate, gpu_updates) = (
        chosen[name] for chosen in (_LAPTOP_RATES_AND_UPDATES, _GPU_RATES_AND_UPDATES)
    )
    settings: dict[Scale, dict[str, Any]] = {
        Scale.SMOKE: {"peak_learning_rate": 3e-3, "updates": 8},
        Scale.LAPTOP: {"peak_learning_rate": laptop_rate, "updates": laptop_updates},
        Scale.GPU: {"peak_learning_rate": gpu_rate, "updates": gpu_updates},
        Scale.PAPER: {"peak_learning_rate": GPT1_FINE_TUNING.peak_learning_rate, "updates": None},
    }
    return Arm(layers=layers, lm_weight=lm_weight, **settings[scale])


def full_arm(scale: Scale, layers: int | None) -> Arm:
    """The paper's method, with so many layers carried over."""
    return _arm(scale, "full", layers, GPT1_FINE_TUNING.lm_weight)


def _arms(scale: Scale) -> dict[str, Arm]:
    whole, weight = PRETRAINING.config(scale).n_layers, GPT1_FINE_TUNING.lm_weight
    return {
        "full": full_arm(scale, whole),
        "no_aux": _arm(scale, "no_aux", whole, 0.0),
        "scratch": _arm(scale, "scratch", None, weight),
    }


FINE_TUNING_TASKS: dict[Scale, dict[str, tuple[int, ...]]] = {
    Scale.SMOKE: {"play-word-order": (16, 64), "play-continuation": (32,)},
    Scale.LAPTOP: {
        "sst2": _CURVE,
        "cola": (2000,),
        "novel-word-order": _CURVE,
        "sick": _CURVE,
        "snli-sample": (2000,),
        "stsb": (1000,),
        "novel-continuation": (1000,),
    },
    # Whole training sets, or what the mirror has of them; curves where all short-text tasks have the rows.
    Scale.GPU: {
        "sst2": (100, 2000, 6917),
        "novel-word-order": (100, 2000, 9407),
        "sick": (100, 2000, 4440),
        "snli-sample": (8925,),
        "cola": (7642,),
        "stsb": (5734,),
    },
    Scale.PAPER: {name: (*(n for n in _CURVE if n < rows), rows) for name, rows in _ALL_ROWS.items()},
}

_SEEDS = {
    Scale.SMOKE: SEEDS[:1],
    Scale.LAPTOP: SEEDS[:3],  # a pre-training each: more would share one, and not be independent
    Scale.GPU: SEEDS[:3],
    Scale.PAPER: SEEDS,
}


def fine_tuning_experiment(
    name: str,
    pretraining: Experiment[Any],
    *,
    question: str,
    configs: dict[Scale, Any],
    valid_if: NotBelow | None = None,
    labels: Mapping[str, Mapping[Coordinate, str]] | None = None,
) -> Experiment[Any]:
    """An experiment that fine-tunes what ``pretraining`` trained.

    ``valid_if`` is its check of itself; ``labels`` stand beside those of arms and numbers of rows, or in
    their place.
    """
    rows = sorted({n for config in configs.values() for some in config.tasks.values() for n in some})
    return Experiment(
        name=name,
        version=1,
        paper="gpt1",
        question=question,
        configs=configs,
        seeds=_SEEDS,
        builds_on=lambda seed: {pretraining.name: pretraining_seed(seed)},
        corpora=lambda config: config.corpora,
        budget=lambda config: config.budget(),
        measure=measure,
        replicated_over="both",
        valid_if=valid_if,
        guessing=of_constant_answer,
        labels={"arm": ARM_LABELS, "rows": {n: f"{n} rows" for n in rows}} | dict(labels or {}),
    )


def fine_tuning_configs(
    tasks: Mapping[Scale, dict[str, tuple[int, ...]]],
    arms: Callable[[Scale], dict[str, Arm]] = _arms,
    baselines: tuple[Baseline, ...] = get_args(Baseline),
) -> dict[Scale, FineTuningConfig]:
    """Arms and baselines on some tasks, at the scales that these are given for."""
    return {
        scale: FineTuningConfig(
            pretraining=PRETRAINING.config(scale),
            tasks=chosen,
            arms=arms(scale),
            baselines=baselines,
            **_shared(scale),
        )
        for scale, chosen in tasks.items()
    }


NOT_BELOW_A_PROBE = NotBelow(
    where={"rows": "largest"}, arm={"arm": "full"}, over={"arm": "frozen"}, mean_over="task"
)
"""Fine-tuning that scores below a linear model of the same frozen states shows its own recipe at fault, and
says nothing about pre-training."""

FINE_TUNING = register(
    fine_tuning_experiment(
        "gpt1-fine-tuning",
        PRETRAINING,
        question="How much does pre-training on novels help on labelled tasks, and the auxiliary objective?",
        configs=fine_tuning_configs(FINE_TUNING_TASKS),
        valid_if=NOT_BELOW_A_PROBE,
    )
)

_LONG_ROWS: dict[Scale, dict[str, tuple[int, ...]]] = {
    Scale.SMOKE: {"play-continuation": (32,)},
    Scale.LAPTOP: {"mrpc": (2000,), "commonsenseqa": (2000,)},
    Scale.GPU: {"mrpc": (3701,), "commonsenseqa": (4000,)},
    # MRPC is among the others there.
    Scale.PAPER: {"commonsenseqa": (8768,), "dream": (5530,)},
}

LONG_ROWS = register(
    fine_tuning_experiment(
        "gpt1-fine-tuning-long-rows",
        PRETRAINING,
        question="How much does pre-training help on tasks whose rows take several sequences?",
        configs=fine_tuning_configs(_LONG_ROWS),
        valid_if=NOT_BELOW_A_PROBE,
    )
)

LSTM_FINE_TUNING = register(
    fine_tuning_experiment(
        "gpt1-lstm-fine-tuning",
        LSTM_PRETRAINING,
        question="What does a pre-trained LSTM in the place of the Transformer score on the same tasks?",
        configs={
            scale: FineTuningConfig(
                pretraining=LSTM_PRETRAINING.config(scale),
                tasks={name: rows[-1:] for name, rows in FINE_TUNING_TASKS[scale].items()},
                arms={"lstm": _arm(scale, "lstm", 1, GPT1_FINE_TUNING.lm_weight)},
                baselines=(),
                **_shared(scale),
            )
            for scale in Scale
        },
    )
)
