"""The settings of our fine-tuning, chosen on dev rows with a pilot seed, with equal effort for every arm.

The paper's rate and three epochs belong to a larger model and more rows. Every arm is tried at each learning
rate, and at its best rate with other numbers of updates; the score is the mean over tasks. The pilot seed has
a pre-training of its own, shorter than those that are reported.
"""

from __future__ import annotations

from statistics import fmean
from typing import Any

from gptrepro.experiments.base import Budget, Experiment, Measurement, Row, Unit, register, row
from gptrepro.experiments.gpt1.fine_tuning import ARM_LABELS
from gptrepro.experiments.gpt1.pretraining import LSTM_PRETRAINING, PRETRAINING
from gptrepro.experiments.gpt1.tuned_tasks import (
    Arm,
    TaskRows,
    TaskScore,
    TunedTasksConfig,
    fine_tuned,
    precision_of,
)
from gptrepro.published import GPT1_FINE_TUNING
from gptrepro.scales import Scale


class FineTuningSettingsConfig(TunedTasksConfig):
    """Fine-tuning at several rates, then with several numbers of updates."""

    rates: tuple[float, ...]
    updates: tuple[int, ...]
    """The rates are tried with the first of them; the arms' own rates and updates play no part."""


def _measure(config: FineTuningSettingsConfig, unit: Unit) -> Measurement:
    pilot = unit.folder / "pretraining"
    config.pretraining.train(unit, folder=pilot)
    pretrained = config.pretraining.pretrained(pilot, device=unit.device)
    tokenizer = config.pretraining.load_tokenizer(unit.prepared)
    tasks = [TaskRows(config, task) for task in config.declared]
    found: list[Row] = []
    every: list[TaskScore] = []

    def dev_mean(name: str, rate: float, updates: int) -> float:
        arm = config.arms[name].model_copy(update={"peak_learning_rate": rate, "updates": updates})
        tried = config.model_copy(update={"arms": {name: arm}})
        scores = [
            fine_tuned(
                tried, name, rows, config.tasks[rows.task.name][-1], pretrained, tokenizer, unit, rows.dev
            )
            for rows in tasks
        ]
        every.extend(scores)
        mean = round(fmean(score.score for score in scores), 3)
        found.append(row(mean, "dev_mean", arm=name, rate=rate, updates=updates))
        return mean

    first, *others = config.updates
    for name in config.arms:
        rate_scores = {rate: dev_mean(name, rate, first) for rate in config.rates}
        best = max(rate_scores, key=rate_scores.__getitem__)
        for updates in others:
            dev_mean(name, best, updates)
    tokens = sum(score.tokens for score in every)
    spent = config.pretraining.budget()
    return Measurement(
        rows=found,
        history=[],
        tokens=int(spent.tokens) + tokens,
        flops=spent.flops + config.flops(tokens),
        tokenizer=tokenizer.digest,
        precision=precision_of(every),
    )


def _budget(config: FineTuningSettingsConfig) -> Budget:
    updates = len(config.arms) * (len(config.rates) * config.updates[0] + sum(config.updates[1:]))
    arm = next(iter(config.arms.values())).model_copy(update={"updates": updates})
    tuned = config.model_copy(update={"arms": {"all": arm}}).budget()
    first = config.pretraining.budget()
    return Budget(
        tuned.parameters,
        first.tokens + tuned.tokens,
        first.flops + tuned.flops,
        first.updates + tuned.updates,
    )


def _tried(layers: int | None, lm_weight: float) -> Arm:
    """An arm whose rate and updates the sweep replaces."""
    return Arm(layers=layers, lm_weight=lm_weight, peak_learning_rate=1.0, updates=1)


def _settings(pretraining: Experiment[Any], scale: Scale, tokens: int, **others: Any) -> dict[str, Any]:
    """``others`` with what the scales have in common, over a pre-training of so many tokens."""
    return {
        "pretraining": pretraining.config(scale).model_copy(update={"tokens": tokens}),
        "warmup_fraction": GPT1_FINE_TUNING.warmup_fraction,
        "head_dropout": GPT1_FINE_TUNING.head_dropout,
        "test_rows": 1,  # none is scored
    } | others


def _arms(scale: Scale) -> dict[str, Arm]:
    whole, weight = PRETRAINING.config(scale).n_layers, GPT1_FINE_TUNING.lm_weight
    return {"full": _tried(whole, weight), "no_aux": _tried(whole, 0.0), "scratch": _tried(None, weight)}


_SMOKE: dict[str, Any] = {
    "tasks": {"play-word-order": (64,)},
    "batch_size": 8,
    "dev_rows": 32,
    "rates": (1e-3, 3e-3),
    "updates": (4, 8),
}
_LAPTOP: dict[str, Any] = {
    "tasks": dict.fromkeys(("sst2", "sick", "cola"), (1000,)),
    "batch_size": 16,
    "dev_rows": 500,
    "rates": (2.5e-4, 5e-4, 1e-3, 2e-3),
    "updates": (150, 300),
}
_GPU: dict[str, Any] = {
    "tasks": dict.fromkeys(("sst2", "sick", "mrpc"), (2000,)),
    "batch_size": GPT1_FINE_TUNING.batch_size,
    "dev_rows": 1000,
    # A network from scratch was best at the lowest of the first four, after 300 updates.
    "rates": (6.25e-5, 1.25e-4, 2.5e-4, 5e-4, 1e-3, 3e-3),
    "updates": (300, 1200, 2400),
}

FINE_TUNING_SETTINGS = register(
    Experiment(
        name="gpt1-fine-tuning-settings",
        version=1,
        paper="gpt1",
        question="Which learning rate and how many updates suit each way of learning the labelled tasks?",
        configs={
            scale: FineTuningSettingsConfig(
                **_settings(PRETRAINING, scale, tokens, arms=_arms(scale), **others)
            )
            for scale, tokens, others in (
                (Scale.SMOKE, 16 * 8 * 32, _SMOKE),
                (Scale.LAPTOP, 1_500_000, _LAPTOP),
                (Scale.GPU, 16_000_000, _GPU),
            )
        },
        seeds=dict.fromkeys((Scale.SMOKE, Scale.LAPTOP, Scale.GPU), (0,)),
        chooses_settings=True,
        labels={"arm": ARM_LABELS},
        corpora=lambda config: config.corpora,
        budget=_budget,
        measure=_measure,
    )
)


def _rates_of_lstm(scale: Scale, rates: tuple[float, ...]) -> tuple[float, ...]:
    """The same fractions of the peak rate of its pre-training as ``rates`` are of the decoder's.

    At the decoder's own rates, a twentieth of these at the laptop scale, the LSTM goes on giving one answer
    to every row.
    """
    ratio = LSTM_PRETRAINING.config(scale).peak_learning_rate / PRETRAINING.config(scale).peak_learning_rate
    return tuple(rate * ratio for rate in rates)


LSTM_FINE_TUNING_SETTINGS = register(
    Experiment(
        name="gpt1-lstm-fine-tuning-settings",
        version=1,
        paper="gpt1",
        question="Which learning rate and how many updates suit the fine-tuning of the pre-trained LSTM?",
        configs={
            scale: FineTuningSettingsConfig(
                **_settings(
                    LSTM_PRETRAINING,
                    scale,
                    FINE_TUNING_SETTINGS.config(scale).pretraining.tokens,
                    arms={"lstm": _tried(1, GPT1_FINE_TUNING.lm_weight)},
                    **others | {"rates": _rates_of_lstm(scale, others["rates"])},
                )
            )
            for scale, others in ((Scale.SMOKE, _SMOKE), (Scale.LAPTOP, _LAPTOP), (Scale.GPU, _GPU))
        },
        seeds=FINE_TUNING_SETTINGS.seeds,
        chooses_settings=True,
        labels={"arm": ARM_LABELS},
        corpora=lambda config: config.corpora,
        budget=_budget,
        measure=_measure,
    )
)
