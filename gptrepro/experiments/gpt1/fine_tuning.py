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

from collections.abc import Callable, Mapping
from functools import partial
from statistics import fmean
from typing import Any, Literal, get_args

from gptrepro.errors import GptreproError
from gptrepro.experiments.base import FIRST_REPORT_SEED, Experiment, Measurement, Unit, register
from gptrepro.experiments.gpt1.labelled import (
    Arm,
    LabelledConfig,
    LabelledRows,
    Outcome,
    fine_tuned,
    remembered,
    score_name,
)
from gptrepro.experiments.gpt1.pretraining import LSTM_PRETRAINING, PRETRAINING
from gptrepro.finetune.baselines import bag_of_words, majority
from gptrepro.finetune.frozen import linear_on_frozen
from gptrepro.model import Decoder
from gptrepro.model.lstm import LSTMLanguageModel
from gptrepro.published import GPT1_FINE_TUNING
from gptrepro.scales import Scale
from gptrepro.tokenizer import Tokenizer
from gptrepro.train.loop import Interrupted

Baseline = Literal["majority", "bag_of_words", "second_only", "frozen"]

SEEDS = tuple(range(FIRST_REPORT_SEED, FIRST_REPORT_SEED + 5))


class FineTuningConfig(LabelledConfig):
    """Fine-tuning, and what it is compared with."""

    baselines: tuple[Baseline, ...]


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
    tokenizer = config.pretraining.load_tokenizer(unit.prepared)
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
    metrics |= _averages(config, metrics)
    return Measurement(
        metrics={name: round(value, 3) for name, value in metrics.items()},
        history=[],
        tokens=tokens,
        flops=config.flops(tokens),
        tokenizer=tokenizer.digest,
    )


def curve_name(arm: str, rows: int) -> str:
    """Name of an arm's mean over the tasks with a curve, such as ``average_full_on_curves_at_100``."""
    return f"average_{arm}_on_curves_at_{rows}"


def gain_name(over: str, rows: int) -> str:
    """Name of the mean margin of ``full`` over another arm, such as ``gain_over_scratch_at_100``."""
    return f"gain_over_{over}_at_{rows}"


def _averages(config: FineTuningConfig, scores: Mapping[str, float]) -> dict[str, float]:
    """Each arm's mean over all tasks and, at each number of rows, over those with a curve; margins there."""
    last = {task: rows[-1] for task, rows in config.tasks.items()}
    found = {
        score_name("average", arm): fmean(scores[score_name(task, arm, n)] for task, n in last.items())
        for arm in config.arms
    }
    for baseline in config.baselines:
        if baseline != "second_only":
            found[score_name("average", baseline)] = fmean(
                scores[score_name(task, baseline)] for task in config.tasks
            )
    curves = {task: set(rows) for task, rows in config.tasks.items() if len(rows) > 1}
    for n in sorted(set.intersection(*curves.values())) if curves else ():
        of_arm = {arm: fmean(scores[score_name(task, arm, n)] for task in curves) for arm in config.arms}
        found |= {curve_name(arm, n): score for arm, score in of_arm.items()}
        found |= {gain_name(arm, n): of_arm["full"] - of_arm[arm] for arm in of_arm if arm != "full"}
    return found


def _outcomes(
    config: FineTuningConfig,
    rows: LabelledRows,
    pretrained: Decoder | LSTMLanguageModel,
    tokenizer: Tokenizer,
    unit: Unit,
) -> dict[str, Outcome]:
    return {
        score_name(rows.task.name, arm, n): fine_tuned(
            config, arm, rows, n, pretrained, tokenizer, unit, rows.test
        )
        for arm in config.arms
        for n in config.tasks[rows.task.name]
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
    return {
        "warmup_fraction": GPT1_FINE_TUNING.warmup_fraction,
        "head_dropout": GPT1_FINE_TUNING.head_dropout,
    } | {
        Scale.SMOKE: {"batch_size": 8, "dev_rows": 32, "test_rows": 64},
        Scale.LAPTOP: laptop,
        Scale.GPU: published,
        Scale.PAPER: published,
    }[scale]


def _arm(scale: Scale, layers: int | None, lm_weight: float, **chosen: Any) -> Arm:
    """An arm with what the pilot chose for the laptop, and the paper's recipe at the published scales."""
    settings = {
        Scale.SMOKE: {"peak_learning_rate": 3e-3, "updates": 8},
        Scale.LAPTOP: chosen,
        Scale.GPU: {"peak_learning_rate": 1.25e-4, "updates": 800},
        Scale.PAPER: {"peak_learning_rate": GPT1_FINE_TUNING.peak_learning_rate, "updates": None},
    }[scale]
    return Arm(layers=layers, lm_weight=lm_weight, **settings)


def _full(scale: Scale, layers: int | None) -> Arm:
    """The paper's method, with so many layers carried over."""
    return _arm(scale, layers, GPT1_FINE_TUNING.lm_weight, peak_learning_rate=5e-4, updates=300)


def _arms(scale: Scale) -> dict[str, Arm]:
    whole, weight = PRETRAINING.config(scale).n_layers, GPT1_FINE_TUNING.lm_weight
    return {
        "full": _full(scale, whole),
        "no_aux": _arm(scale, whole, 0.0, peak_learning_rate=2.5e-4, updates=150),
        "scratch": _arm(scale, None, weight, peak_learning_rate=1e-3, updates=300),
    }


def _curve_to(rows: int) -> tuple[int, ...]:
    return (*(n for n in _CURVE if n < rows), rows)


_TASKS: dict[Scale, dict[str, tuple[int, ...]]] = {
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
    Scale.GPU: {
        name: (*(n for n in _CURVE if n < rows), min(rows, 20_000)) for name, rows in _ALL_ROWS.items()
    },
    Scale.PAPER: {name: (*(n for n in _CURVE if n < rows), rows) for name, rows in _ALL_ROWS.items()},
}

_SEEDS = {
    Scale.SMOKE: SEEDS[:1],
    Scale.LAPTOP: SEEDS[:3],  # a pre-training each: more would share one, and not be independent
    Scale.GPU: SEEDS,
    Scale.PAPER: SEEDS,
}


def _experiment(
    name: str,
    pretraining: Experiment[Any],
    *,
    question: str,
    configs: dict[Scale, Any],
) -> Experiment[Any]:
    """An experiment that fine-tunes what ``pretraining`` trained."""
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
    )


def _with_and_without_objective(scale: Scale) -> dict[str, Arm]:
    """Two arms that differ in the auxiliary objective alone, where `_arms` has for each what suits it."""
    full = _full(scale, PRETRAINING.config(scale).n_layers)
    return {"full": full, "no_aux": full.model_copy(update={"lm_weight": 0.0})}


def _configs(
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


FINE_TUNING = register(
    _experiment(
        "gpt1-fine-tuning",
        PRETRAINING,
        question="How much does pre-training on novels help on labelled tasks, and the auxiliary objective?",
        configs=_configs(_TASKS),
    )
)

_LONG_ROWS: dict[Scale, dict[str, tuple[int, ...]]] = {
    Scale.SMOKE: {"play-continuation": (32,)},
    Scale.LAPTOP: {"mrpc": (2000,), "commonsenseqa": (2000,)},
    # MRPC is among the others there.
    Scale.GPU: {"commonsenseqa": (8768,), "dream": (5530,)},
    Scale.PAPER: {"commonsenseqa": (8768,), "dream": (5530,)},
}

LONG_ROWS = register(
    _experiment(
        "gpt1-fine-tuning-long-rows",
        PRETRAINING,
        question="How much does pre-training help on tasks whose rows take several sequences?",
        configs=_configs(_LONG_ROWS),
    )
)

_AUXILIARY_ROWS = (500, 1000, 2000, 4000)

_AUXILIARY_TASKS: dict[Scale, dict[str, tuple[int, ...]]] = {
    Scale.SMOKE: {"play-word-order": (16, 64)},
    Scale.LAPTOP: dict.fromkeys(("sst2", "novel-word-order", "sick"), _AUXILIARY_ROWS),
    Scale.GPU: dict.fromkeys(("qnli", "mnli-m", "qqp"), (*_AUXILIARY_ROWS, 8000, 16_000, 32_000)),
    Scale.PAPER: dict.fromkeys(("qnli", "mnli-m", "qqp"), (*_AUXILIARY_ROWS, 8000, 16_000, 32_000)),
}

AUXILIARY = register(
    _experiment(
        "gpt1-auxiliary-objective",
        PRETRAINING,
        question="Does the auxiliary objective help more the more rows are labelled, all settings equal?",
        configs=_configs(_AUXILIARY_TASKS, _with_and_without_objective, ("majority",)),
    )
)

LSTM_FINE_TUNING = register(
    _experiment(
        "gpt1-lstm-fine-tuning",
        LSTM_PRETRAINING,
        question="What does a pre-trained LSTM in the place of the Transformer score on the same tasks?",
        configs={
            scale: FineTuningConfig(
                pretraining=LSTM_PRETRAINING.config(scale),
                tasks={name: rows[-1:] for name, rows in _TASKS[scale].items()},
                arms={
                    "lstm": _arm(scale, 1, GPT1_FINE_TUNING.lm_weight, peak_learning_rate=1e-2, updates=300)
                },
                baselines=(),
                **_shared(scale),
            )
            for scale in Scale
        },
    )
)

TRANSFER_TASKS: dict[Scale, tuple[str, ...]] = {
    Scale.SMOKE: ("play-word-order",),
    Scale.LAPTOP: ("novel-word-order", "sick"),
    Scale.GPU: ("mnli-m", "race-m"),
    Scale.PAPER: ("mnli-m", "race-m"),
}
"""Where layers are carried over one by one: the paper's two, or two with short texts, fixed beforehand."""


def layers_arm(layers: int) -> str:
    """Name of an arm that carries so many layers over, such as ``layers_2``."""
    return f"layers_{layers}"


def _arms_by_layers(scale: Scale) -> dict[str, Arm]:
    return {layers_arm(n): _full(scale, n) for n in range(PRETRAINING.config(scale).n_layers + 1)}


TRANSFER = register(
    _experiment(
        "gpt1-transfer",
        PRETRAINING,
        question="How does the score depend on how many layers are carried over from pre-training?",
        configs=_configs(
            {
                scale: {task: _TASKS[scale][task][-1:] for task in tasks}
                for scale, tasks in TRANSFER_TASKS.items()
            },
            _arms_by_layers,
            (),
        ),
    )
)
