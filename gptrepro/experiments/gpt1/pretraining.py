"""GPT-1's pre-training (section 3.1): a post-LN decoder reads novels, and unseen novels are scored.

Beside it the recurrent network of the ablation (section 5): one LSTM layer reads the same windows in the
same order. It has the paper's 2,048 units at the paper's scale and the decoder's parameters at the others.
The learning rates of both are chosen by equal sweeps on pilot seeds.
"""

from __future__ import annotations

from fractions import Fraction

from gptrepro.experiments.base import Experiment, Measurement, Unit, register, row, thin_out
from gptrepro.experiments.learning_rate_sweep import LearningRateSweep, learning_rate_experiment
from gptrepro.experiments.networks import DecoderNetwork, LSTMNetwork
from gptrepro.experiments.training import TextTraining
from gptrepro.published import PUBLISHED
from gptrepro.scales import Scale

MILESTONES = tuple(Fraction(1, 2**k) for k in range(6, -1, -1))
"""Fractions of the training tokens after which the held-out novels are scored and the weights are kept, for
experiments that ask what was learned when: 1/64, 1/32, ... 1."""


def measure(config: TextTraining, unit: Unit) -> Measurement:
    """Train the model of one seed and keep its weights at every milestone."""
    result = config.train(unit)
    text = config.tokenized(unit.prepared)
    arm, final = config.network.kind, config.row_at(result)
    whole = ("heldout_perplexity", "heldout_perplexity_per_word", "heldout_bits_per_byte")
    return Measurement(
        rows=[
            *(
                row(config.row_at(result, at)["heldout_nll"], "heldout_nll", arm=arm, fraction=float(at))
                for at in config.milestones
            ),
            *(row(final[score], score, arm=arm, fraction=1.0) for score in whole),
            row(final["loss"], "train_nll", arm=arm, fraction=1.0),
            row(result.tokens / text.n_train_tokens, "epochs", arm=arm),
        ],
        history=thin_out(result.history),
        tokens=result.tokens,
        flops=config.budget().flops,
        tokenizer=text.tokenizer_digest,
        precision=result.resolved.precision if result.resolved else "fp32",
    )


_PAPER = PUBLISHED["gpt1"]

_AS_PUBLISHED = TextTraining(
    network=DecoderNetwork.like(_PAPER.decoder),
    corpus="bookcorpus",
    heldout="books",  # that of BooksCorpus was never released
    tokenizer="gpt1",
    n_vocab=_PAPER.decoder.n_vocab,
    n_ctx=_PAPER.decoder.n_ctx,
    tokens=100_000_000_000,
    batch_size=64,
    peak_learning_rate=2.5e-4,
    warmup_updates=2000,
    precision="bf16",
    milestones=MILESTONES,
)


def _decoder(scale: Scale) -> TextTraining:
    return {
        Scale.SMOKE: TextTraining(
            network=DecoderNetwork(kind="decoder", n_layers=2, d_model=32, n_heads=2),
            corpus="plays",
            tokenizer="gpt1",
            n_vocab=512,
            n_ctx=32,
            tokens=64 * 8 * 32,
            batch_size=8,
            peak_learning_rate=3e-3,
            warmup_updates=4,
            milestones=MILESTONES,
            corpus_tokens=50_000,
            tokenizer_documents=1,
            heldout_tokens=8192,
        ),
        Scale.LAPTOP: TextTraining(
            network=DecoderNetwork(kind="decoder", n_layers=4, d_model=160, n_heads=5),
            corpus="books",
            tokenizer="gpt1",
            n_vocab=6000,
            n_ctx=128,
            tokens=4_000_000,
            batch_size=16,
            peak_learning_rate=2e-3,
            warmup_updates=100,
            milestones=MILESTONES,
            heldout_tokens=131_072,
        ),
        # As it ran on one card; RULES of that run: all novels once, the rate by `gpt1-learning-rate`.
        Scale.GPU: TextTraining(
            network=DecoderNetwork(
                kind="decoder", n_layers=6, d_model=576, n_heads=9, dropout=0.1, init_std=0.0231
            ),
            corpus="books",
            tokenizer="gpt1",
            n_vocab=10_000,
            n_ctx=256,
            tokens=22_600_000,
            batch_size=128,
            peak_learning_rate=1e-3,
            warmup_updates=150,
            precision="bf16",
            milestones=MILESTONES,
            heldout_tokens=262_144,
        ),
        Scale.PAPER: _AS_PUBLISHED,
    }[scale]


_UNITS = 2048
"""Of the paper's LSTM (section 5)."""


def _lstm(scale: Scale, peak_learning_rate: float, units: int | None = None) -> TextTraining:
    """The decoder's training with an LSTM in its place, which has its own learning rate."""
    decoder = _decoder(scale)
    assert isinstance(decoder.network, DecoderNetwork)
    network = LSTMNetwork(kind="lstm", beside=decoder.network, units=units)
    return decoder.model_copy(update={"network": network, "peak_learning_rate": peak_learning_rate})


def _experiment(name: str, question: str, configs: dict[Scale, TextTraining]) -> Experiment[TextTraining]:
    return Experiment(
        name=name,
        version=1,
        paper="gpt1",
        question=question,
        configs=configs,
        seeds={Scale.SMOKE: (100,)} | dict.fromkeys((Scale.LAPTOP, Scale.GPU, Scale.PAPER), (100, 101, 102)),
        corpora=lambda config: config.corpora,
        budget=TextTraining.budget,
        measure=measure,
        labels={"arm": {"decoder": "Transformer", "lstm": "LSTM"}},
    )


PRETRAINING = register(
    _experiment(
        "gpt1-pretraining",
        "How far does the perplexity of unseen novels fall while a GPT-1 decoder reads novels?",
        {scale: _decoder(scale) for scale in Scale},
    )
)

LSTM_PRETRAINING = register(
    _experiment(
        "gpt1-lstm-pretraining",
        "How far does the perplexity fall while an LSTM reads the novels that the decoder read?",
        {
            Scale.SMOKE: _lstm(Scale.SMOKE, 1e-2),
            Scale.LAPTOP: _lstm(Scale.LAPTOP, 4e-2),
            Scale.GPU: _lstm(Scale.GPU, 5e-3),
            Scale.PAPER: _lstm(Scale.PAPER, 1e-3, _UNITS),
        },
    )
)

UPDATES = {Scale.SMOKE: 12, Scale.LAPTOP: 300, Scale.GPU: 250}
"""Of the training at each rate of a sweep."""


def _sweep_of(
    pretraining: Experiment[TextTraining], rates: dict[Scale, tuple[float, ...]]
) -> dict[Scale, LearningRateSweep]:
    return {
        scale: LearningRateSweep.of(pretraining.config(scale), UPDATES[scale], tried)
        for scale, tried in rates.items()
    }


LEARNING_RATE = register(
    learning_rate_experiment(
        "gpt1-learning-rate",
        "gpt1",
        "Which peak learning rate is best for our GPT-1 decoder, after a short training at each?",
        _sweep_of(
            PRETRAINING,
            {
                Scale.SMOKE: (1e-3, 3e-3),
                Scale.LAPTOP: (2.5e-4, 5e-4, 1e-3, 2e-3, 4e-3),
                Scale.GPU: (5e-4, 1e-3, 2e-3),
            },
        ),
    )
)

LSTM_LEARNING_RATE = register(
    learning_rate_experiment(
        "gpt1-lstm-learning-rate",
        "gpt1",
        "Which peak learning rate is best for the LSTM beside it, after a short training at each?",
        _sweep_of(
            LSTM_PRETRAINING,
            {
                Scale.SMOKE: (3e-3, 1e-2),
                Scale.LAPTOP: (2.5e-3, 5e-3, 1e-2, 2e-2, 4e-2),
                Scale.GPU: (2.5e-3, 5e-3, 1e-2),
            },
        ),
    )
)
