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

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from gptrepro.earlier.kneser_ney import KneserNey
from gptrepro.experiments.arms import TextArms
from gptrepro.experiments.base import Experiment, Measurement, Unit, register, row
from gptrepro.experiments.networks import DecoderNetwork, LSTMNetwork, NGram, gpt2_decoder
from gptrepro.experiments.training import TextTraining, TokenizedText
from gptrepro.scales import Scale

MILESTONES = tuple(Fraction(1, 2**k) for k in (3, 2, 1, 0))
"""Fractions of the text after which all models are scored. The networks' learning rates fall over the whole
training, so that only the last point compares finished ones."""


class LanguageModelsConfig(TextArms):
    """A decoder, an LSTM of as many parameters and Kneser-Ney: the arms ``gpt``, ``lstm``, ``kneser_ney``."""

    orders: tuple[int, ...]
    """Orders of the n-gram that are reported beside the chosen one."""

    @property
    def by_order(self) -> dict[int, TextTraining]:
        """Kneser-Ney on the whole text at each order."""
        counted = self.arms["kneser_ney"].model_copy(update={"milestones": ()})
        return {
            order: counted.model_copy(update={"network": NGram(kind="n_gram", order=order)})
            for order in self.orders
        }


def _scores(training: TextTraining, model: Any, text: TokenizedText) -> Mapping[str, float]:
    scores = {"bits_per_byte": training.score(model, text.heldout).bits_per_byte}
    return scores | ({"counts": float(model.n_counts)} if isinstance(model, KneserNey) else {})


def _measure(config: LanguageModelsConfig, unit: Unit) -> Measurement:
    results = config.train(unit, _scores)
    score = "bits_per_byte"
    rows = [
        row(arm.row_at(results[name], at)[score], score, arm=name, fraction=float(at))
        for name, arm in config.arms.items()
        for at in arm.milestones
    ]
    rows += [
        row(counted.row_at(counted.train(unit, evaluate=_scores))[score], score, arm="n_gram", order=order)
        for order, counted in config.by_order.items()
    ]
    rows += [
        row(arm.budget().parameters, "parameters", arm=name)
        for name, arm in config.arms.items()
        if arm.network.kind != "n_gram"
    ]
    counted = config.arms["kneser_ney"]
    rows.append(row(counted.row_at(results["kneser_ney"])["counts"], "counts", arm="kneser_ney"))
    return config.measurement(unit, results, rows, ("loss", score))


def _config(
    network: DecoderNetwork, order: int, orders: tuple[int, ...], rates: dict[str, float], **training: Any
) -> LanguageModelsConfig:
    """The three arms, which differ in their network and its rate."""
    gpt = TextTraining(
        network=network,
        tokenizer="gpt2",
        milestones=MILESTONES,
        peak_learning_rate=rates["gpt"],
        **training,
    )
    beside = LSTMNetwork(kind="lstm", beside=network)
    return LanguageModelsConfig(
        arms={
            "kneser_ney": gpt.model_copy(update={"network": NGram(kind="n_gram", order=order)}),
            "lstm": gpt.model_copy(update={"network": beside, "peak_learning_rate": rates["lstm"]}),
            "gpt": gpt,
        },
        orders=orders,
    )


# No text is read twice, so there is no dropout.
LANGUAGE_MODELS = register(
    Experiment(
        name="background-language-models",
        version=1,
        paper="background",
        question="On equal text and parameters, how well do counting, an LSTM and a GPT predict a novel?",
        configs={
            Scale.SMOKE: _config(
                gpt2_decoder(n_layers=2, d_model=32, n_heads=2),
                order=3,
                orders=(1, 2, 3, 4),
                rates={"lstm": 1e-2, "gpt": 3e-3},
                corpus="plays",
                n_vocab=512,
                n_ctx=32,
                tokens=40 * 8 * 32,
                batch_size=8,
                warmup_updates=4,
                corpus_tokens=50_000,
                tokenizer_documents=1,
                heldout_tokens=8192,
            ),
            Scale.LAPTOP: _config(
                gpt2_decoder(n_layers=4, d_model=128, n_heads=4),
                order=4,
                orders=(1, 2, 3, 4, 5),
                rates={"lstm": 2e-2, "gpt": 3e-3},
                corpus="books",
                n_vocab=2048,
                n_ctx=128,
                tokens=1_200_000,
                batch_size=4,
                warmup_updates=100,
                heldout_tokens=131_072,
            ),
            Scale.GPU: _config(
                gpt2_decoder(n_layers=12, d_model=768, n_heads=12),
                order=4,
                orders=(1, 2, 3, 4),
                rates={"lstm": 1e-3, "gpt": 6e-4},
                corpus="books",
                n_vocab=8192,
                n_ctx=512,
                tokens=20_000_000,
                batch_size=64,
                precision="bf16",
                warmup_updates=100,
                heldout_tokens=1_000_000,
            ),
        },
        seeds={Scale.SMOKE: (100,), Scale.LAPTOP: (100, 101, 102), Scale.GPU: (100, 101, 102)},
        corpora=lambda config: config.corpora,
        budget=LanguageModelsConfig.budget,
        measure=_measure,
        labels={"arm": {"gpt": "decoder", "lstm": "LSTM", "kneser_ney": "Kneser-Ney", "n_gram": "n-gram"}},
    )
)
