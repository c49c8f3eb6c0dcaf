"""Does a decoder need to be told where its tokens stand, and does it matter how?

Three decoders that differ in nothing but their positions (learned, sinusoidal, none) read the same windows
of ``n_ctx`` tokens and are then scored on windows twice as long, position by position. The block is GPT-2's
(norm before each half), which trains at once at a small width; GPT-1's needs longer to leave the frequencies
of tokens behind.

A learned table has rows for the positions beyond the trained length too, since a table without them could
only refuse; no gradient reaches those, and weight decay shrinks them a little.

What was tried for the laptop scale, on pilot seed 0 and passages of the training novels, for all arms alike:
peak learning rates of 3 and 6 thousandths with batches of 32 windows and 300,000 tokens, and of 6 and 12 with
16 windows and 200,000 tokens. 6 was the best or as good as the best for each arm. The settings of the gpu
scale are not tuned.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gptrepro.evaluate.perplexity import loss_by_position
from gptrepro.experiments.arms import TextArms
from gptrepro.experiments.base import Experiment, Measurement, Row, Unit, register, row
from gptrepro.experiments.networks import gpt2_decoder
from gptrepro.experiments.training import TextTraining, TokenizedText
from gptrepro.model.config import Positions
from gptrepro.scales import Scale

ARMS: tuple[Positions, ...] = ("learned", "sinusoidal", "none")

BEYOND = 2
"""Windows of the evaluation are so many times as long as those of the training."""
BINS = 16
"""Points of the curve of loss by position."""


def bin_starts(n_ctx: int) -> list[int]:
    """First positions of the bins of the curve, for windows of ``n_ctx`` tokens in training."""
    return [b * BEYOND * n_ctx // BINS for b in range(BINS)]


def _scores(training: TextTraining, model: Any, text: TokenizedText) -> Mapping[str, float]:
    """The loss in each bin, by its first position, and in each span of the window."""
    trained = training.n_ctx
    nll = loss_by_position(model, text.heldout, BEYOND * trained)
    return {
        "trained": float(nll[:trained].mean()),
        "end": float(nll[trained - trained // 4 : trained].mean()),
        "beyond": float(nll[trained:].mean()),
        **dict(zip(map(str, bin_starts(trained)), nll.reshape(BINS, -1).mean(1).tolist(), strict=True)),
    }


def _rows(arm: str, training: TextTraining, scores: Mapping[str, float]) -> list[Row]:
    spans = [row(scores[span], "nll", arm=arm, span=span) for span in ("trained", "end", "beyond")]
    curve = [row(scores[str(at)], "nll", arm=arm, position=at) for at in bin_starts(training.n_ctx)]
    return spans + curve


def _measure(config: TextArms, unit: Unit) -> Measurement:
    results = config.train(unit, _scores)
    rows = [one for name, arm in config.arms.items() for one in _rows(name, arm, arm.row_at(results[name]))]
    return config.measurement(unit, results, rows, ("loss",))


def _config(n_layers: int, d_model: int, n_heads: int, n_ctx: int, **training: Any) -> TextArms:
    """Decoders that differ in their positions alone, with rows for those that were never trained."""
    # No text is read twice, so there is no dropout.
    return TextArms(
        arms={
            arm: TextTraining(
                network=gpt2_decoder(n_layers, d_model, n_heads, positions=arm, n_positions=BEYOND * n_ctx),
                tokenizer="gpt2",
                n_ctx=n_ctx,
                **training,
            )
            for arm in ARMS
        }
    )


POSITIONS = register(
    Experiment(
        name="background-positions",
        version=1,
        paper="background",
        question="What does a decoder lose without positions, or beyond the length that it was trained on?",
        configs={
            Scale.SMOKE: _config(
                n_layers=2,
                d_model=32,
                n_heads=2,
                n_ctx=16,
                corpus="plays",
                n_vocab=512,
                tokens=40 * 8 * 16,
                batch_size=8,
                peak_learning_rate=3e-3,
                warmup_updates=4,
                corpus_tokens=50_000,
                tokenizer_documents=1,
                heldout_tokens=8192,
            ),
            Scale.LAPTOP: _config(
                n_layers=3,
                d_model=96,
                n_heads=4,
                n_ctx=64,
                corpus="books",
                n_vocab=512,
                tokens=900_000,
                batch_size=16,
                peak_learning_rate=6e-3,
                warmup_updates=50,
                heldout_tokens=131_072,
            ),
            Scale.GPU: _config(
                n_layers=12,
                d_model=768,
                n_heads=12,
                n_ctx=512,
                corpus="books",
                n_vocab=8192,
                tokens=8_000_000,
                batch_size=64,
                peak_learning_rate=6e-4,
                precision="bf16",
                warmup_updates=100,
                heldout_tokens=1_000_000,
            ),
        },
        seeds={
            Scale.SMOKE: (100,),
            # 100 to 104 were seen before the margin of the claim on equal kinds was stated: others judge it.
            Scale.LAPTOP: (105, 106, 107, 108, 109),
            Scale.GPU: (100, 101, 102),
        },
        corpora=lambda config: config.corpora,
        budget=TextArms.budget,
        measure=_measure,
        labels={
            "arm": {
                "learned": "learned positions",
                "sinusoidal": "sinusoidal positions",
                "none": "no positions",
            },
            "span": {
                "trained": "the trained length",
                "end": "its last quarter",
                "beyond": "beyond the trained length",
            },
        },
    )
)
