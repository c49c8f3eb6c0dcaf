"""The settings of our fine-tuning, chosen on dev rows with a pilot seed, with equal effort for every arm.

The paper's rate and three epochs belong to a larger model and more rows. Every arm is tried at each learning
rate, and at its best rate with other numbers of updates; the score is the mean over tasks. The pilot seed has
a pre-training of its own, shorter than those that are reported.
"""

from __future__ import annotations

from dataclasses import replace
from statistics import fmean
from typing import Any

from gptrepro.experiments.base import Budget, Experiment, Measurement, Unit, register
from gptrepro.experiments.gpt1.labelled import (
    Arm,
    LabelledConfig,
    LabelledRows,
    fine_tuned,
)
from gptrepro.experiments.gpt1.pretraining import (
    LSTM_PRETRAINING,
    PRETRAINING,
)
from gptrepro.published import GPT1_FINE_TUNING
from gptrepro.scales import Scale


class FineTuningSettingsConfig(LabelledConfig):
    """Fine-tuning at several rates, then with several numbers of updates."""

    rates: tuple[float, ...]
    updates: tuple[int, ...]
    """The rates are tried with the first of them; the arms' own rates and updates play no part."""


def dev_score_name(arm: str, rate: float, updates: int) -> str:
    """Name of a mean score on dev rows, such as ``dev_full_at_0.001_for_200``."""
    return f"dev_{arm}_at_{rate:g}_for_{updates}"


def _measure(config: FineTuningSettingsConfig, unit: Unit) -> Measurement:
    pilot = replace(unit, folder=unit.folder / "pretraining")
    config.pretraining.train(pilot)
    pretrained = config.pretraining.pretrained(pilot.folder)
    tokenizer = config.pretraining.load_tokenizer(unit.prepared)
    tasks = [LabelledRows(config, task) for task in config.declared]
    metrics: dict[str, float] = {}
    tokens = 0

    def dev_score(name: str, rate: float, updates: int) -> float:
        nonlocal tokens
        arm = config.arms[name].model_copy(update={"peak_learning_rate": rate, "updates": updates})
        tried = config.model_copy(update={"arms": {name: arm}})
        outcomes = [
            fine_tuned(
                tried, name, rows, config.tasks[rows.task.name][-1], pretrained, tokenizer, unit, rows.dev
            )
            for rows in tasks
        ]
        tokens += sum(outcome.tokens for outcome in outcomes)
        score = round(fmean(outcome.score for outcome in outcomes), 3)
        metrics[dev_score_name(name, rate, updates)] = score
        return score

    first, *others = config.updates
    for name in config.arms:
        rate_scores = {rate: dev_score(name, rate, first) for rate in config.rates}
        rate = max(rate_scores, key=rate_scores.__getitem__)
        update_scores = {first: rate_scores[rate]} | {n: dev_score(name, rate, n) for n in others}
        metrics[f"best_rate_{name}"] = rate
        metrics[f"best_updates_{name}"] = float(max(update_scores, key=update_scores.__getitem__))
        metrics[f"best_is_at_edge_{name}"] = float(rate in (min(config.rates), max(config.rates)))
    spent = config.pretraining.budget()
    return Measurement(
        metrics=metrics,
        history=[],
        tokens=int(spent.tokens) + tokens,
        flops=spent.flops + config.flops(tokens),
        tokenizer=tokenizer.digest,
    )


def _budget(config: FineTuningSettingsConfig) -> Budget:
    updates = len(config.arms) * (len(config.rates) * config.updates[0] + sum(config.updates[1:]))
    arm = next(iter(config.arms.values())).model_copy(update={"updates": updates})
    tuned = config.model_copy(update={"arms": {"all": arm}}).budget()
    first = config.pretraining.budget()
    return Budget(tuned.parameters, first.tokens + tuned.tokens, first.flops + tuned.flops)


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
    "rates": (3.1e-5, 6.25e-5, 1.25e-4, 2.5e-4),
    "updates": (200, 400, 800),
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
                (Scale.GPU, 40_000_000, _GPU),
            )
        },
        seeds={Scale.SMOKE: (0,), Scale.LAPTOP: (0,), Scale.GPU: (0, 1)},
        chooses_settings=True,
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
        corpora=lambda config: config.corpora,
        budget=_budget,
        measure=_measure,
    )
)
