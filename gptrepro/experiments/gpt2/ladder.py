"""Does a larger decoder go on learning from the text that a smaller one read (GPT-2, section 4, Figure 4)?

Decoders in GPT-2's arrangement read one text in one order and are scored on it and on unseen text. Rates
fall until the end, where alone finished models are compared, and are untuned: sweep before a run that counts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fractions import Fraction
from typing import Any

from gptrepro.experiments.arms import TextArms
from gptrepro.experiments.base import Experiment, Measurement, Unit, register, row
from gptrepro.experiments.networks import DecoderNetwork, gpt2_decoder
from gptrepro.experiments.training import TextTraining, TokenizedText
from gptrepro.published import PUBLISHED
from gptrepro.scales import Scale
from gptrepro.text.samples import spread_passages

MILESTONES = (Fraction(1, 4), Fraction(1, 2), Fraction(1))
"""Fractions of the tokens after which all sizes are scored."""

RATE_TIMES_WIDTH = 0.4
"""Peak learning rate times width: 3 thousandths at 128, the best for a decoder on novels in a pilot."""


def _scores(training: TextTraining, model: Any, text: TokenizedText) -> Mapping[str, float]:
    (read,) = text.train.values()
    parts = {"train": spread_passages(read, text.heldout.n_tokens), "heldout": text.heldout}
    return {name: training.score(model, part).bits_per_byte for name, part in parts.items()}


def _measure(config: TextArms, unit: Unit) -> Measurement:
    results, rows = config.train(unit, _scores), []
    for name, arm in config.arms.items():
        size = arm.budget().parameters
        for at in arm.milestones:
            scores = arm.row_at(results[name], at)
            rows += [
                row(scores[text], "bits_per_byte", text=text, parameters=size, fraction=float(at))
                for text in ("train", "heldout")
            ]
    return config.measurement(unit, results, rows, ("loss", "train", "heldout"))


def _ladder(networks: Iterable[DecoderNetwork], **training: Any) -> TextArms:
    """Trainings that differ in their network and its rate alone."""
    return TextArms(
        arms={
            f"{network.n_layers}x{network.d_model}": TextTraining(
                network=network,
                tokenizer="gpt2",
                milestones=MILESTONES,
                peak_learning_rate=RATE_TIMES_WIDTH / network.d_model,
                **training,
            )
            for network in networks
        }
    )


def _sizes(*sizes: tuple[int, int]) -> list[DecoderNetwork]:
    """Decoders of so many layers and such a width, with GPT-2's heads of 64 where that makes at least two."""
    return [gpt2_decoder(layers, width, max(2, width // 64)) for layers, width in sizes]


_PUBLISHED = [model.decoder for model in PUBLISHED.values() if model.paper == "gpt2"]

LADDER = register(
    Experiment(
        name="gpt2-ladder",
        version=1,
        paper="gpt2",
        question="How do bits per byte of text that was read, and of unseen text, fall with size and tokens?",
        configs={
            Scale.SMOKE: _ladder(
                _sizes((1, 16), (2, 32), (3, 48)), corpus="plays", n_vocab=512, n_ctx=32, tokens=40 * 8 * 32,
                corpus_tokens=10_240, tokenizer_documents=1, heldout_tokens=4096,
            ),
            Scale.LAPTOP: _ladder(
                _sizes((2, 32), (2, 64), (3, 96), (4, 128)), corpus="webtext", n_vocab=4096, n_ctx=128,
                tokens=14_000_000, heldout_tokens=131_072,
            ),
            Scale.GPU: _ladder(
                _sizes((2, 96), (4, 160), (6, 256), (8, 384), (12, 576)), corpus="webtext", n_vocab=8192,
                n_ctx=256, tokens=8_000_000, heldout_tokens=262_144, precision="bf16",
            ),
            Scale.PAPER: _ladder(
                map(DecoderNetwork.like, _PUBLISHED), corpus="openwebtext", n_vocab=50257,
                n_ctx=1024, tokens=10_000_000_000, batch_size=512, heldout_tokens=1_000_000,
            ),
        },
        seeds=dict.fromkeys(Scale, (100, 101, 102)) | {Scale.SMOKE: (100,)},
        corpora=lambda config: config.corpora,
        budget=TextArms.budget,
        measure=_measure,
        labels={"text": {"train": "text that was read", "heldout": "unseen text"}},
    )
)  # fmt: skip
