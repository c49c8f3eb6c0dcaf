"""GPT-1's pre-training (section 3.1): a post-LN decoder reads novels, and unseen novels are scored.

Beside it the recurrent network of the ablation (section 5): one LSTM layer reads the same windows in the
same order. It has the paper's 2,048 units at the larger scales and the decoder's parameters at the others.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import torch

from gptrepro.experiments.base import (
    Budget,
    CorpusRef,
    Experiment,
    Measurement,
    Unit,
    UnitOver,
    register,
    thin_out,
)
from gptrepro.experiments.text_training import (
    TextTrainingConfig,
    TokenizedText,
    equal_lstm,
    lstm_flops_per_token,
    score,
    tokenized,
)
from gptrepro.model import Decoder, DecoderConfig
from gptrepro.model.language_model import LanguageModel
from gptrepro.model.lstm import LSTMConfig, LSTMLanguageModel
from gptrepro.published import PUBLISHED
from gptrepro.scales import Scale
from gptrepro.text.batches import Batches
from gptrepro.train import TrainSettings, load_weights, train, weights_file

MILESTONES = tuple(Fraction(1, 2**k) for k in range(6, -1, -1))
"""Fractions of the training tokens after which the held-out novels are scored and the weights are kept, for
experiments that ask what was learned when: 1/64, 1/32, ... 1."""

HELDOUT_STAND_IN = {"bookcorpus": "books"}
"""Corpora without a held-out split of their own, and the one whose split stands in: that of BooksCorpus was
never released."""


class PretrainingConfig(TextTrainingConfig):
    """Pre-training of a GPT-1 decoder (post-LN, GPT-1's own tokenizer) on running text."""

    dropout: float
    peak_learning_rate: float

    @property
    def corpora(self) -> list[CorpusRef]:
        """The text that is read, and the text that is scored."""
        heldout = HELDOUT_STAND_IN.get(self.corpus, self.corpus)
        return [CorpusRef(self.corpus, "train"), CorpusRef(heldout, "heldout")]

    @property
    def decoder(self) -> DecoderConfig:
        """The model that is trained."""
        return self.sized(dropout=self.dropout)

    def settings(self, seed: int) -> TrainSettings:
        """The training of a seed."""
        settings = self.trained_at(self.peak_learning_rate, seed, MILESTONES)
        return replace(settings, checkpoint_at=(0, *settings.evaluate_at))

    def network(self) -> Decoder | LSTMLanguageModel:
        """The model before training, drawn from torch's generator."""
        return Decoder(self.decoder)

    def fresh(self, seed: int) -> Decoder | LSTMLanguageModel:
        """The model before training, drawn from torch's generator, which is seeded."""
        torch.manual_seed(seed)
        return self.network()

    def pretrained(self, folder: Path, fraction: Fraction = MILESTONES[-1]) -> Decoder | LSTMLanguageModel:
        """The model as the seed whose ``folder`` this is had it after ``fraction`` of its training; 0 is
        untrained."""
        model = self.network()
        load_weights(model, weights_file(folder, self.milestone(fraction) if fraction else 0))
        return model.eval()

    def cost(self) -> Budget:
        """What the training of one model costs."""
        return self.budget(self.decoder)

    def batches(self, text: TokenizedText, seed: int) -> Batches:
        """The training text in the order of a seed."""
        return Batches(text.train, batch_size=self.batch_size, context=self.n_ctx, seed=seed)


class LSTMPretrainingConfig(PretrainingConfig):
    """The same for an LSTM in the place of the decoder that these settings describe."""

    units: int | None
    """Units of its layer; as many as give it the parameters of the decoder when None."""

    @property
    def lstm(self) -> LSTMConfig:
        """The model that is trained."""
        if self.units is None:
            return equal_lstm(self.decoder, dropout=self.dropout)
        return LSTMConfig(self.n_vocab, self.n_ctx, self.d_model, self.units, dropout=self.dropout)

    def network(self) -> Decoder | LSTMLanguageModel:
        """The model before training, drawn from torch's generator."""
        return LSTMLanguageModel(self.lstm)

    def cost(self) -> Budget:
        """What the training of one model costs."""
        tokens = super().cost().tokens
        with torch.device("meta"):
            parameters = sum(parameter.numel() for parameter in self.network().parameters())
        return Budget(parameters, tokens, flops=tokens * lstm_flops_per_token(self.lstm))


def milestone_metric(fraction: Fraction) -> str:
    """Name of the held-out loss at a milestone, such as ``heldout_nll_at_1_8``."""
    return f"heldout_nll_at_{fraction.numerator}_{fraction.denominator}"


def heldout_metrics(
    model: LanguageModel, text: TokenizedText, config: PretrainingConfig
) -> Mapping[str, float]:
    """Loss and perplexity on the held-out novels."""
    scored = score(model, text.heldout, config.n_ctx)
    return {
        "heldout_nll": scored.nll_per_token,
        "heldout_perplexity": scored.perplexity_per_token,
        "heldout_perplexity_per_word": scored.perplexity_per_word,
        "heldout_bits_per_byte": scored.bits_per_byte,
    }


def measure(config: PretrainingConfig, unit: Unit) -> Measurement:
    """Train the model of one seed and keep its weights at every milestone."""
    text = tokenized("gpt1", config, unit.prepared)
    result = train(
        config.fresh(unit.seed),
        config.batches(text, unit.seed),
        config.settings(unit.seed),
        unit.folder,
        evaluate=lambda trained: heldout_metrics(trained, text, config),
        stop_after_seconds=unit.seconds_left(),
        name=f"{type(config.network()).__name__} seed {unit.seed}",
    )
    if not result.finished:
        raise UnitOver
    return Measurement(
        metrics=_metrics(config, result.history, epochs=result.tokens / text.train.n_tokens),
        history=thin_out(result.history),
        tokens=result.tokens,
        flops=config.cost().flops,
        tokenizer=text.tokenizer,
    )


def _metrics(
    config: PretrainingConfig, history: list[dict[str, float]], *, epochs: float
) -> dict[str, float]:
    at_step = {int(row["step"]): row for row in history if "heldout_nll" in row}
    final = at_step[config.updates]
    return {
        **{
            milestone_metric(fraction): at_step[config.milestone(fraction)]["heldout_nll"]
            for fraction in MILESTONES
        },
        "heldout_perplexity": final["heldout_perplexity"],
        "heldout_perplexity_per_word": final["heldout_perplexity_per_word"],
        "heldout_bits_per_byte": final["heldout_bits_per_byte"],
        "train_nll": final["loss"],
        "epochs": epochs,
    }


_PAPER = PUBLISHED["gpt1"]

_AS_PUBLISHED = PretrainingConfig(
    corpus="bookcorpus",
    corpus_tokens=None,
    tokenizer_documents=None,
    n_vocab=_PAPER.decoder.n_vocab,
    n_ctx=_PAPER.decoder.n_ctx,
    n_layers=_PAPER.decoder.n_layers,
    d_model=_PAPER.decoder.d_model,
    n_heads=_PAPER.decoder.n_heads,
    init_std=_PAPER.decoder.init_std,
    dropout=0.1,
    tokens=100_000_000_000,
    batch_size=64,
    peak_learning_rate=2.5e-4,
    warmup_updates=2000,
    weight_decay=0.01,
    heldout_tokens=None,
)

PRETRAINING = register(
    Experiment(
        name="gpt1-pretraining",
        version=1,
        paper="gpt1",
        question="How far does the perplexity of unseen novels fall while a GPT-1 decoder reads novels?",
        configs={
            Scale.SMOKE: PretrainingConfig(
                corpus="plays",
                corpus_tokens=50_000,
                tokenizer_documents=1,
                n_vocab=512,
                n_ctx=32,
                n_layers=2,
                d_model=32,
                n_heads=2,
                init_std=0.098,
                dropout=0.0,
                tokens=64 * 8 * 32,
                batch_size=8,
                peak_learning_rate=3e-3,
                warmup_updates=4,
                weight_decay=0.01,
                heldout_tokens=8192,
            ),
            Scale.LAPTOP: PretrainingConfig(
                corpus="books",
                corpus_tokens=None,
                tokenizer_documents=None,
                n_vocab=6000,
                n_ctx=128,
                n_layers=4,
                d_model=160,
                n_heads=5,
                init_std=0.044,
                dropout=0.0,
                tokens=4_000_000,
                batch_size=16,
                peak_learning_rate=2e-3,
                warmup_updates=100,
                weight_decay=0.01,
                heldout_tokens=131_072,
            ),
            Scale.GPU: _AS_PUBLISHED.model_copy(update={"corpus": "books", "tokens": 400_000_000}),
            Scale.PAPER: _AS_PUBLISHED,
        },
        seeds={Scale.SMOKE: (100,)} | dict.fromkeys((Scale.LAPTOP, Scale.GPU, Scale.PAPER), (100, 101, 102)),
        corpora=lambda config: config.corpora,
        budget=lambda config: config.cost(),
        measure=measure,
    )
)


_UNITS = 2048
"""Of the paper's LSTM (section 5)."""


def _lstm(scale: Scale, peak_learning_rate: float, units: int | None) -> LSTMPretrainingConfig:
    """The decoder's settings for the LSTM, which has its own learning rate."""
    shared = PRETRAINING.config(scale).model_dump()
    return LSTMPretrainingConfig(**shared | {"peak_learning_rate": peak_learning_rate, "units": units})


LSTM_PRETRAINING = register(
    Experiment(
        name="gpt1-lstm-pretraining",
        version=1,
        paper="gpt1",
        question="How far does the perplexity fall while an LSTM reads the novels that the decoder read?",
        configs={
            Scale.SMOKE: _lstm(Scale.SMOKE, 1e-2, None),
            Scale.LAPTOP: _lstm(Scale.LAPTOP, 4e-2, None),
            Scale.GPU: _lstm(Scale.GPU, 1e-3, _UNITS),
            Scale.PAPER: _lstm(Scale.PAPER, 1e-3, _UNITS),
        },
        seeds=PRETRAINING.seeds,
        corpora=lambda config: config.corpora,
        budget=lambda config: config.cost(),
        measure=measure,
    )
)
