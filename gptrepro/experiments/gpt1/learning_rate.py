"""The learning rates of our GPT-1 pre-training and of its LSTM, chosen by equal sweeps on a pilot seed."""

from __future__ import annotations

from typing import Any

from gptrepro.experiments.base import Budget, Config, Experiment, Measurement, Unit, UnitOver, register
from gptrepro.experiments.gpt1.pretraining import (
    LSTM_PRETRAINING,
    PRETRAINING,
    LSTMPretrainingConfig,
    PretrainingConfig,
    heldout_metrics,
)
from gptrepro.experiments.text_training import tokenized
from gptrepro.scales import Scale
from gptrepro.train import SweepTraining, sweep


class LearningRateConfig(Config):
    """The same short training at several peak learning rates."""

    training: PretrainingConfig
    """What all rates share; its own rate plays no part."""
    rates: tuple[float, ...]


class LSTMLearningRateConfig(LearningRateConfig):
    """The same for the LSTM."""

    training: LSTMPretrainingConfig


def rate_metric(rate: float) -> str:
    """Name of the held-out loss at a peak learning rate, such as ``heldout_nll_at_0.001``."""
    return f"heldout_nll_at_{rate:g}"


def _budget(config: LearningRateConfig) -> Budget:
    one, n = config.training.cost(), len(config.rates)
    return Budget(parameters=one.parameters, tokens=n * one.tokens, flops=n * one.flops)


def _measure(config: LearningRateConfig, unit: Unit) -> Measurement:
    training = config.training
    text = tokenized("gpt1", training, unit.prepared)
    result = sweep(
        lambda seed: SweepTraining(
            model=training.fresh(seed),
            batches=training.batches(text, seed),
            evaluate=lambda model: heldout_metrics(model, text, training),
        ),
        training.trained_at(training.peak_learning_rate, unit.seed),
        config.rates,
        [unit.seed],
        unit.folder,
        stop_after_seconds=unit.seconds_left(),
    )
    if not result.finished:
        raise UnitOver
    finished = [row for row in result.rows if not row.diverged]
    cost = _budget(config)
    return Measurement(
        metrics={
            **{rate_metric(row.peak_lr): row.metrics["heldout_nll"] for row in finished},
            "best_rate": result.best_rate("heldout_nll"),
            "best_is_at_edge": float(result.best_is_at_edge("heldout_nll")),
            "diverged": float(len(result.rows) - len(finished)),
        },
        history=[
            {"peak_learning_rate": row.peak_lr}
            | {name: row.metrics[name] for name in ("loss", "heldout_nll")}
            for row in finished
        ],
        tokens=int(cost.tokens),
        flops=cost.flops,
        tokenizer=text.tokenizer,
    )


def _sweep(
    name: str,
    pretraining: Experiment[Any],
    config: type[LearningRateConfig],
    question: str,
    rates: dict[Scale, tuple[float, ...]],
) -> Experiment[Any]:
    """The sweep that cuts ``pretraining`` to a few updates and repeats them at every rate."""

    def short(scale: Scale) -> LearningRateConfig:
        whole = pretraining.config(scale)
        tokens = UPDATES[scale] * whole.batch_size * whole.n_ctx
        # A rate of its own would make the sweep stale whenever its outcome is put to use.
        cut = {"tokens": tokens, "peak_learning_rate": rates[scale][0]}
        return config(training=whole.model_copy(update=cut), rates=rates[scale])

    return Experiment(
        name=name,
        version=1,
        paper="gpt1",
        question=question,
        configs={scale: short(scale) for scale in rates},
        seeds={Scale.SMOKE: (0,), Scale.LAPTOP: (0,), Scale.GPU: (0, 1)},
        chooses_settings=True,
        corpora=lambda config: config.training.corpora,
        budget=_budget,
        measure=_measure,
    )


UPDATES = {Scale.SMOKE: 12, Scale.LAPTOP: 300, Scale.GPU: 4000}
"""Of the training at each rate."""

LEARNING_RATE = register(
    _sweep(
        "gpt1-learning-rate",
        PRETRAINING,
        LearningRateConfig,
        "Which peak learning rate is best for our GPT-1 decoder, after a short training at each?",
        {
            Scale.SMOKE: (1e-3, 3e-3),
            Scale.LAPTOP: (2.5e-4, 5e-4, 1e-3, 2e-3, 4e-3),
            Scale.GPU: (6.25e-5, 1.25e-4, 2.5e-4, 5e-4, 1e-3),
        },
    )
)

LSTM_LEARNING_RATE = register(
    _sweep(
        "gpt1-lstm-learning-rate",
        LSTM_PRETRAINING,
        LSTMLearningRateConfig,
        "Which peak learning rate is best for the LSTM beside it, after a short training at each?",
        {
            Scale.SMOKE: (3e-3, 1e-2),
            Scale.LAPTOP: (2.5e-3, 5e-3, 1e-2, 2e-2, 4e-2),
            Scale.GPU: (2.5e-4, 5e-4, 1e-3, 2e-3, 4e-3),
        },
    )
)
