"""Three ways to predict the next token, on the same text: counting, a recurrent network, a GPT decoder.

A seed's networks read the same windows once, and Kneser-Ney counts exactly these windows. All are scored on
the same held-out tokens; both networks start each window of ``n_ctx`` tokens from nothing, whereas
Kneser-Ney always sees as many tokens back as its order asks for. The LSTM is as wide as makes its parameters
as many as the decoder's, and has one layer, as in GPT-1's ablation (section 5). The decoder's block is
GPT-2's (norm before each half), which trains at once at a small width.

What was tried for the laptop scale, on pilot seed 0 and 120,000 tokens, scored on passages of the training
novels: peak learning rates of 0.75, 1.5, 3, 6 and 12 thousandths for the decoder, whose best was the middle
one (the lowest and the highest were tried after the published run; both are worse by over 0.1 bits), and of
2.5, 5, 10, 20 and 40 thousandths for the LSTM, until it gained nothing more (the last two are equal to within
0.002 bits); batches of 16 and of 4 windows for the decoder, of which the small ones learned more from fewer
tokens; orders 2 to 5 of the n-gram on all tokens, without the passages that were scored, where the fifth
gained nothing over the fourth. The settings of the gpu scale are not tuned.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from fractions import Fraction
from typing import Literal, get_args

import numpy as np
import torch

from gptrepro.earlier.kneser_ney import KneserNey
from gptrepro.evaluate.perplexity import TokenStream
from gptrepro.experiments.arms import merged, train_arm
from gptrepro.experiments.base import Budget, Experiment, Measurement, Unit, register, thin_out
from gptrepro.experiments.text_training import (
    TextTrainingConfig,
    TokenizedText,
    equal_lstm,
    lstm_flops_per_token,
    score,
    tokenized,
)
from gptrepro.model import Decoder, DecoderConfig
from gptrepro.model.lstm import LSTMConfig, LSTMLanguageModel
from gptrepro.scales import Scale
from gptrepro.text.batches import Batches
from gptrepro.train import TrainSettings

Network = Literal["lstm", "gpt"]

MILESTONES = tuple(Fraction(1, 2**k) for k in (3, 2, 1, 0))
"""Fractions of the text after which all models are scored. The networks' learning rates fall over the whole
training, so that only the last point compares finished ones."""


class LanguageModelsConfig(TextTrainingConfig):
    """A decoder, an LSTM of as many parameters, and the orders of an n-gram."""

    peak_learning_rates: dict[Network, float]
    """One for each network, chosen with equal effort."""
    order: int
    """Tokens of the longest n-gram, chosen like the learning rates."""
    orders: tuple[int, ...]
    """Orders that are reported beside it."""

    @property
    def decoder(self) -> DecoderConfig:
        """The decoder."""
        # No text is read twice, so there is no dropout.
        return self.sized(norm="pre", residual_init="scaled", dropout=0.0)

    @property
    def lstm(self) -> LSTMConfig:
        """The LSTM whose parameters are as many as the decoder's."""
        return equal_lstm(self.decoder)

    def network(self, arm: Network) -> Decoder | LSTMLanguageModel:
        """A fresh network, drawn from torch's global generator."""
        return Decoder(self.decoder) if arm == "gpt" else LSTMLanguageModel(self.lstm)

    def settings(self, arm: Network, seed: int) -> TrainSettings:
        """The training of a network."""
        return self.trained_at(self.peak_learning_rates[arm], seed, MILESTONES)


def metric(arm: str, fraction: Fraction = MILESTONES[-1]) -> str:
    """Name of a model's bits per byte, such as ``bits_per_byte_gpt`` or ``bits_per_byte_lstm_at_1_8``."""
    at = "" if fraction == 1 else f"_at_{fraction.numerator}_{fraction.denominator}"
    return f"bits_per_byte_{arm}{at}"


def counted_bits_per_byte(model: KneserNey, text: TokenStream) -> float:
    """Bits that Kneser-Ney needs for a byte of ``text``: of the same tokens, all but the first."""
    nll = model.nll(text.tokens.astype(np.int64))
    return float(nll.sum()) / math.log(2) / (text.n_bytes * len(nll) / text.n_tokens)


def _budget(config: LanguageModelsConfig) -> Budget:
    decoder = config.budget(config.decoder)
    return Budget(
        parameters=decoder.parameters,
        tokens=len(get_args(Network)) * decoder.tokens,
        flops=decoder.flops + decoder.tokens * lstm_flops_per_token(config.lstm),
    )


def _measure(config: LanguageModelsConfig, unit: Unit) -> Measurement:
    text = tokenized("gpt2", config, unit.prepared)
    metrics = dict(_count(config, text, unit.seed))
    histories: dict[str, list[dict[str, float]]] = {}
    tokens = 0
    for arm in get_args(Network):
        torch.manual_seed(unit.seed)
        network = config.network(arm)
        metrics[f"parameters_{arm}"] = float(sum(p.numel() for p in network.parameters()))
        result = train_arm(
            arm,
            network,
            text.train,
            config.settings(arm, unit.seed),
            unit,
            experiment="background-language-models",
            evaluate=lambda model: {"bits_per_byte": score(model, text.heldout, config.n_ctx).bits_per_byte},
        )
        scored = {int(row["step"]): row["bits_per_byte"] for row in result.history if "bits_per_byte" in row}
        metrics |= {metric(arm, fraction): scored[config.milestone(fraction)] for fraction in MILESTONES}
        histories[arm] = result.history
        tokens += result.tokens
    return Measurement(
        metrics=metrics,
        history=thin_out(merged(histories, ("loss", "bits_per_byte"))),
        tokens=tokens,
        flops=_budget(config).flops,
        tokenizer=text.tokenizer,
    )


def _count(config: LanguageModelsConfig, text: TokenizedText, seed: int) -> Mapping[str, float]:
    """Kneser-Ney on the windows that the networks of this seed read, whole and in part."""
    batches = Batches(text.train, batch_size=config.batch_size, context=config.n_ctx, seed=seed)
    windows = batches.take(config.updates * config.batch_size)  # (W, n_ctx + 1)
    found = {}
    for fraction in MILESTONES:
        read = windows[: config.milestone(fraction) * config.batch_size]
        model = KneserNey(read, config.n_vocab, config.order)
        found[metric("kneser_ney", fraction)] = counted_bits_per_byte(model, text.heldout)
    found["counts_kneser_ney"] = float(model.n_counts)
    for order in config.orders:
        model = KneserNey(windows, config.n_vocab, order)
        found[metric(f"kneser_ney_{order}")] = counted_bits_per_byte(model, text.heldout)
    return found


LANGUAGE_MODELS = register(
    Experiment(
        name="background-language-models",
        version=1,
        paper="background",
        question="On equal text and parameters, how well do counting, an LSTM and a GPT predict a novel?",
        configs={
            Scale.SMOKE: LanguageModelsConfig(
                corpus="plays",
                corpus_tokens=50_000,
                tokenizer_documents=1,
                n_vocab=512,
                n_ctx=32,
                n_layers=2,
                d_model=32,
                n_heads=2,
                init_std=0.098,
                tokens=40 * 8 * 32,
                batch_size=8,
                peak_learning_rates={"lstm": 1e-2, "gpt": 3e-3},
                warmup_updates=4,
                weight_decay=0.01,
                order=3,
                orders=(1, 2, 3, 4),
                heldout_tokens=8192,
            ),
            Scale.LAPTOP: LanguageModelsConfig(
                corpus="books",
                corpus_tokens=None,
                tokenizer_documents=None,
                n_vocab=2048,
                n_ctx=128,
                n_layers=4,
                d_model=128,
                n_heads=4,
                init_std=0.049,
                tokens=1_200_000,
                batch_size=4,
                peak_learning_rates={"lstm": 2e-2, "gpt": 3e-3},
                warmup_updates=100,
                weight_decay=0.01,
                order=4,
                orders=(1, 2, 3, 4, 5),
                heldout_tokens=131_072,
            ),
            Scale.GPU: LanguageModelsConfig(
                corpus="books",
                corpus_tokens=None,
                tokenizer_documents=None,
                n_vocab=8192,
                n_ctx=512,
                n_layers=12,
                d_model=768,
                n_heads=12,
                init_std=0.02,
                tokens=20_000_000,
                batch_size=64,
                peak_learning_rates={"lstm": 1e-3, "gpt": 6e-4},
                warmup_updates=100,
                weight_decay=0.01,
                order=4,
                orders=(1, 2, 3, 4),
                heldout_tokens=1_000_000,
            ),
        },
        seeds={Scale.SMOKE: (100,), Scale.LAPTOP: (100, 101, 102), Scale.GPU: (100, 101, 102)},
        corpora=lambda config: config.corpora,
        budget=_budget,
        measure=_measure,
    )
)
