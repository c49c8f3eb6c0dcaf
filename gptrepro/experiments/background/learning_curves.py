"""Who learns faster: finished models of three kinds after half a million, one, two and four million tokens.

A decoder, an LSTM of as many parameters and Kneser-Ney read the same windows of novels, each once. A network
is trained once a seed at a constant rate and finished at every point by a cooldown over the last fifth of the
tokens up to there (`TextTraining.cooldown`): the model of one million tokens has read one million and none of
it is still in motion. The n-gram counts exactly the windows that the networks have read by then.

What was chosen, and why:

- The decoder has GPT-2's block, which trains at once at a small width, and the LSTM one layer, as in GPT-1's
  ablation (section 5). At 4 million tokens there are 27 for each parameter outside the embeddings, so that a
  model can learn what its size allows; five seeds of a larger one would take a night.
- Batch and warm-up are the same for both, and so is the effort: each gets the best of five rates, which lie a
  factor of two apart, from a sweep on a pilot seed (`background-gpt-learning-rate`,
  `background-lstm-learning-rate`). One rate serves all four points of a network, so it is chosen at one in
  their midst: finished models of one million tokens.
- Sweeps are scored on two held-out novels (`novels-familiar`), reports on four others (`novels-unread`).
- The order of the n-gram is the best of 2 to 6 in the mean over the first and the last point, on the sweeps'
  novels and pilot seed 0.

No text is read twice, so there is no dropout. The settings of the gpu scale are not tuned.

The decoder of the first report seed also writes, untrained and at every point; no rule reads what.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

import numpy as np

from gptrepro.experiments.arms import TextArms
from gptrepro.experiments.base import (
    FIRST_REPORT_SEED,
    Experiment,
    Measurement,
    Outcomes,
    Unit,
    Written,
    register,
    row,
)
from gptrepro.experiments.learning_rate_sweep import LearningRateSweep, learning_rate_experiment
from gptrepro.experiments.networks import DecoderNetwork, LSTMNetwork, NGram, gpt2_decoder
from gptrepro.experiments.training import PASSAGES, TextTraining, TokenizedText
from gptrepro.experiments.writing import written
from gptrepro.scales import Scale

POINTS = tuple(Fraction(1, 2**k) for k in (3, 2, 1, 0))
"""Shares of the tokens at which finished models are scored."""

SWEPT_AT = POINTS[1]
"""The point whose finished models a sweep compares."""


def _scores(training: TextTraining, model: Any, text: TokenizedText) -> Mapping[str, float]:
    """Bits per byte of each passage, by its number, and of all."""
    bits = training.score_passages(model, text.heldout)
    return {str(number): value for number, value in enumerate(bits)} | {"bits_per_byte": float(np.mean(bits))}


def _written(arm: TextTraining, unit: Unit) -> list[Written]:
    """What the decoder writes, untrained and at every point."""
    return [
        text
        for at in (Fraction(0), *POINTS)
        for text in written(arm, unit, unit.folder / "gpt", at, arm="gpt", tokens=int(arm.tokens * at))
    ]


def _measure(config: TextArms, unit: Unit) -> Measurement:
    results, rows, outcomes = config.train(unit, _scores), [], []
    for name, arm in config.arms.items():
        for at in POINTS:
            scores = arm.row_at(results[name], at)
            one = row(scores["bits_per_byte"], "bits_per_byte", arm=name, tokens=int(arm.tokens * at))
            place = {coordinate: value for coordinate, value in one.items() if coordinate != "value"}
            rows.append(one)
            outcomes.append(Outcomes(place, [scores[str(number)] for number in range(PASSAGES)]))
        rows.append(row(arm.budget().parameters, "parameters", arm=name))
    asked = unit.seed == FIRST_REPORT_SEED and "gpt" in config.arms
    texts = _written(config.arms["gpt"], unit) if asked else []
    return config.measurement(unit, results, rows, ("loss", "bits_per_byte"), outcomes, texts)


RATES: dict[Scale, dict[str, tuple[float, ...]]] = {
    Scale.SMOKE: {"gpt": (3e-3, 6e-3), "lstm": (1e-2, 2e-2)},
    Scale.LAPTOP: {"gpt": (7.5e-4, 1.5e-3, 3e-3, 6e-3, 1.2e-2), "lstm": (5e-3, 1e-2, 2e-2, 4e-2, 8e-2)},
    Scale.GPU: {"gpt": (1.5e-4, 3e-4, 6e-4, 1.2e-3, 2.4e-3), "lstm": (5e-4, 1e-3, 2e-3, 4e-3, 8e-3)},
}
"""What the sweeps try."""

CHOSEN = {
    Scale.SMOKE: {"gpt": 3e-3, "lstm": 1e-2},
    Scale.LAPTOP: {"gpt": 6e-3, "lstm": 2e-2},
    Scale.GPU: {"gpt": 6e-4, "lstm": 2e-3},
}
"""The rates of the reported runs."""


def _arms(scale: Scale, network: DecoderNetwork, order: int, **training: Any) -> TextArms:
    """The three arms, which differ in their network and its rate."""
    gpt = TextTraining(
        network=network, tokenizer="gpt2", schedule="linear", cooldown=Fraction(1, 5), milestones=POINTS,
        peak_learning_rate=CHOSEN[scale]["gpt"], **training,
    )  # fmt: skip
    lstm = {"network": LSTMNetwork(kind="lstm", beside=network), "peak_learning_rate": CHOSEN[scale]["lstm"]}
    return TextArms(
        arms={
            "kneser_ney": gpt.model_copy(update={"network": NGram(kind="n_gram", order=order)}),
            "lstm": gpt.model_copy(update=lstm),
            "gpt": gpt,
        }
    )


CONFIGS = {
    Scale.SMOKE: _arms(
        Scale.SMOKE, gpt2_decoder(n_layers=2, d_model=32, n_heads=2), order=3, corpus="plays", n_vocab=512,
        n_ctx=32, tokens=40 * 8 * 32, batch_size=8, warmup_updates=4, corpus_tokens=50_000,
        tokenizer_documents=1, heldout_tokens=4096,
    ),
    Scale.LAPTOP: _arms(
        Scale.LAPTOP, gpt2_decoder(n_layers=3, d_model=64, n_heads=2), order=5, corpus="books",
        heldout="novels-unread", n_vocab=1024, n_ctx=128, tokens=4_000_000, batch_size=8, warmup_updates=50,
        heldout_tokens=131_072,
    ),
    Scale.GPU: _arms(
        Scale.GPU, gpt2_decoder(n_layers=8, d_model=512, n_heads=8), order=4, corpus="books",
        heldout="novels-unread", n_vocab=8192, n_ctx=512, tokens=20_000_000, batch_size=16,
        warmup_updates=100, heldout_tokens=262_144, precision="bf16",
    ),
}  # fmt: skip

LEARNING_CURVES = register(
    Experiment(
        name="background-learning-curves",
        version=1,
        paper="background",
        question="How well do counts, an LSTM and a GPT predict novels, each finished after so many tokens?",
        configs=CONFIGS,
        seeds={Scale.SMOKE: (100,)} | {Scale.LAPTOP: (100, 101, 102, 103, 104), Scale.GPU: (100, 101, 102)},
        corpora=lambda config: config.corpora,
        budget=TextArms.budget,
        measure=_measure,
        labels={"arm": {"gpt": "decoder", "lstm": "LSTM", "kneser_ney": "Kneser-Ney"}},
        replicated_over="both",
    )
)


def _sweep(arm: str) -> dict[Scale, LearningRateSweep]:
    """The training up to one point at each rate, finished and scored on novels that no report scores."""
    swept = {}
    for scale, config in CONFIGS.items():
        whole = config.arms[arm]
        if whole.heldout is not None:
            whole = whole.model_copy(update={"heldout": "novels-familiar"})
        swept[scale] = LearningRateSweep.of(whole, whole.milestone(SWEPT_AT), RATES[scale][arm])
    return swept


GPT_LEARNING_RATE, LSTM_LEARNING_RATE = (
    register(
        learning_rate_experiment(
            f"background-{arm}-learning-rate",
            "background",
            f"Which peak learning rate is best for the {called} of the learning curves, at one point?",
            _sweep(arm),
        )
    )
    for arm, called in (("gpt", "decoder"), ("lstm", "LSTM"))
)
