"""What the three papers fix: every model size, its optimiser and its schedule.

The numbers are the papers' own (GPT-1: Radford et al. 2018, section 4.1; GPT-2: Radford et al. 2019,
Table 2 and section 2.3; GPT-3: Brown et al. 2020, Table 2.1 and Appendix B). Where a paper contradicts
itself or stays silent, ``reading`` says what is built here and why.
"""

from __future__ import annotations

import difflib
import math
from dataclasses import dataclass
from typing import Any

from gptrepro.errors import GptreproError
from gptrepro.fields import check_least, check_types
from gptrepro.model.config import DecoderConfig
from gptrepro.model.counting import count_parameters, training_flops_per_token
from gptrepro.train.schedule import BatchRamp
from gptrepro.train.settings import TrainSettings

GPT3_WINDOW = 256
"""Keys seen by GPT-3's banded layers. The paper never states the window: this value is ours, after
GPT-Neo, the only public relative."""

GPT2_POSITION_STD = 0.01
"""Spread of a fresh table of positions in GPT-2's released code, half of all other weights."""

GPT3_FIRST_BATCH_TOKENS = 32 * 1024
"""Tokens in GPT-3's first batch (appendix B: "32k")."""

GPT3_RAMP_TOKENS = (4e9, 12e9)
"""Tokens over which GPT-3's batch grows, shortest and longest (appendix B, "depending on the model size")."""


@dataclass(frozen=True)
class Recipe:
    """How a paper trained a model; None where it does not say."""

    peak_learning_rate: float | None
    batch_tokens: int
    """Tokens in one optimiser step (for GPT-3 the size after the ramp)."""
    training_tokens: float | None
    """Tokens processed in all."""
    settings: TrainSettings | None
    """Optimiser and schedule as this package runs them; None where the paper does not report them."""


@dataclass(frozen=True)
class FineTuningRecipe:
    """How a pre-trained model is fine-tuned on a labelled task."""

    peak_learning_rate: float
    batch_size: int
    """Labelled rows in one update."""
    epochs: float
    warmup_fraction: float
    """Share of the updates in which the learning rate rises; then it falls linearly to zero."""
    lm_weight: float
    """What the auxiliary language-modelling loss weighs beside the task's."""
    head_dropout: float
    """Probability before the output layer of the task."""

    def __post_init__(self) -> None:
        check_types(self)
        check_least(self, 1, "batch_size")
        check_least(self, 0, "lm_weight", "warmup_fraction")
        if not (self.peak_learning_rate > 0 and self.epochs > 0):
            raise GptreproError("A fine-tuning needs a peak_learning_rate and epochs above zero.")
        if not (self.warmup_fraction <= 1 and 0 <= self.head_dropout < 1):
            raise GptreproError("warmup_fraction must be at most 1, and head_dropout must lie in [0, 1).")

    def settings(self, rows: int, context: int, seed: int = 0) -> TrainSettings:
        """The training of a model on ``rows`` labelled rows, of up to ``context`` tokens each."""
        steps = math.ceil(round(self.epochs * rows / self.batch_size, 6))
        return TrainSettings(
            steps=steps,
            batch_size=self.batch_size,
            context=context,
            peak_lr=self.peak_learning_rate,
            warmup_steps=round(self.warmup_fraction * steps),
            schedule="linear",
            seed=seed,
        )


GPT1_FINE_TUNING = FineTuningRecipe(
    peak_learning_rate=6.25e-5,
    batch_size=32,
    epochs=3,
    warmup_fraction=0.002,
    lm_weight=0.5,
    head_dropout=0.1,
)
"""GPT-1's recipe for nearly every task (section 4.1). Weight decay and clipping are those of pre-training, as
in the released code."""


@dataclass(frozen=True)
class PublishedModel:
    """One model of the papers: what is printed, and the decoder built from it."""

    name: str
    paper: str
    title: str
    nominal_parameters: float
    """The count that the paper prints (GPT-1's is the one that the GPT-2 paper prints for it)."""
    decoder: DecoderConfig
    recipe: Recipe
    reading: str = ""
    """Our reading where the paper contradicts itself, its code or its own table."""


_GPT1_TOKENS_PER_EPOCH = 1.0e9
"""Order of magnitude of BooksCorpus in GPT-1 tokens (about 985M words); the paper gives no count."""

_GPT1 = PublishedModel(
    name="gpt1",
    paper="gpt1",
    title="GPT-1",
    nominal_parameters=117e6,
    decoder=DecoderConfig(n_vocab=40478, n_ctx=512, n_layers=12, d_model=768, n_heads=12),
    recipe=Recipe(
        peak_learning_rate=2.5e-4,
        batch_tokens=64 * 512,
        training_tokens=100 * _GPT1_TOKENS_PER_EPOCH,
        settings=TrainSettings(
            steps=math.ceil(100 * _GPT1_TOKENS_PER_EPOCH / (64 * 512)),
            batch_size=64,
            context=512,
            peak_lr=2.5e-4,
            warmup_steps=2000,
            schedule="cosine",
            weight_decay=0.01,
        ),
    ),
    reading=(
        "The paper prints no count; the released checkpoint has 116,534,784 parameters. "
        "100 epochs of BooksCorpus are taken as about 1e11 tokens (985M words an epoch; no count is printed)."
    ),
)


def _gpt2(name: str, nominal: str, n_layers: int, d_model: int, n_heads: int) -> PublishedModel:
    return PublishedModel(
        name=name,
        paper="gpt2",
        title=f"GPT-2 {nominal}",
        nominal_parameters=float(nominal.removesuffix("M")) * 1e6,
        decoder=DecoderConfig(
            n_vocab=50257,
            n_ctx=1024,
            n_layers=n_layers,
            d_model=d_model,
            n_heads=n_heads,
            norm="pre",
            residual_init="scaled",
            position_std=GPT2_POSITION_STD,
        ),
        recipe=Recipe(
            peak_learning_rate=None,
            batch_tokens=512 * 1024,
            training_tokens=None,
            settings=None,
        ),
        reading=(
            f"Table 2 prints {nominal}, a count that its authors later corrected. The head count comes from "
            "the released configuration; dropout 0.1 likewise, the smaller start of the positions from the "
            "released code. N of the residual scaling counts additions, two per block."
        ),
    )


def _gpt3_ramp_tokens(batch_tokens: float) -> int:
    """Our reading of "over the first 4-12 billion tokens": in proportion to how far the batch has to grow."""
    shortest, longest = GPT3_RAMP_TOKENS
    smallest, largest = 0.5e6, 3.2e6  # full batches of Table 2.1
    return round(shortest + (longest - shortest) * (batch_tokens - smallest) / (largest - smallest))


def _gpt3(
    name: str,
    nominal: str,
    parameters: float,
    n_layers: int,
    d_model: int,
    n_heads: int,
    batch_tokens: float,
    learning_rate: float,
    *,
    reading: str = "",
) -> PublishedModel:
    context = 2048
    sequences = round(batch_tokens / context)
    ramp = BatchRamp(GPT3_FIRST_BATCH_TOKENS // context, sequences, _gpt3_ramp_tokens(batch_tokens))
    return PublishedModel(
        name=name,
        paper="gpt3",
        title=f"GPT-3 {nominal}",
        nominal_parameters=parameters,
        decoder=DecoderConfig(
            n_vocab=50257,
            n_ctx=context,
            n_layers=n_layers,
            d_model=d_model,
            n_heads=n_heads,
            norm="pre",
            residual_init="scaled",
            position_std=GPT2_POSITION_STD,
            attention=("dense", "banded"),
            window=GPT3_WINDOW,
            dropout=0.0,
        ),
        recipe=Recipe(
            peak_learning_rate=learning_rate,
            batch_tokens=int(batch_tokens),
            training_tokens=300e9,
            settings=TrainSettings(
                steps=ramp.updates_for(300e9, context),
                batch_size=sequences,
                context=context,
                peak_lr=learning_rate,
                schedule="cosine",
                final_lr_fraction=0.1,
                warmup_tokens=375_000_000,
                decay_tokens=260_000_000_000,
                ramp_batch_size=ramp.start,
                ramp_tokens=ramp.tokens,
                beta1=0.9,
                beta2=0.95,
                weight_decay=0.1,
                clip_norm=1.0,
            ),
        ),
        reading=(reading + " " if reading else "")
        + f"The banded window is not published: {GPT3_WINDOW} is ours. Dropout is not mentioned: 0. "
        "Weights start as in GPT-2, to which the paper refers. "
        f"Which size had which batch ramp is not printed: {ramp.tokens / 1e9:.1f} billion tokens is ours.",
    )


PUBLISHED: dict[str, PublishedModel] = {
    model.name: model
    for model in (
        _GPT1,
        _gpt2("gpt2-124m", "117M", 12, 768, 12),
        _gpt2("gpt2-355m", "345M", 24, 1024, 16),
        _gpt2("gpt2-774m", "762M", 36, 1280, 20),
        _gpt2("gpt2-1558m", "1542M", 48, 1600, 25),
        _gpt3("gpt3-small", "Small", 125e6, 12, 768, 12, 0.5e6, 6.0e-4),
        _gpt3("gpt3-medium", "Medium", 350e6, 24, 1024, 16, 0.5e6, 3.0e-4),
        _gpt3("gpt3-large", "Large", 760e6, 24, 1536, 16, 0.5e6, 2.5e-4),
        _gpt3(
            "gpt3-xl", "XL", 1.3e9, 24, 2048, 16, 1e6, 2.0e-4,
            reading="Table 2.1 prints 24 heads of 128, which make 3072, not 2048: built with 16 of 128.",
        ),
        _gpt3("gpt3-2.7b", "2.7B", 2.7e9, 32, 2560, 32, 1e6, 1.6e-4),
        _gpt3("gpt3-6.7b", "6.7B", 6.7e9, 32, 4096, 32, 2e6, 1.2e-4),
        _gpt3(
            "gpt3-13b", "13B", 13.0e9, 40, 5120, 40, 2e6, 1.0e-4,
            reading="Table 2.1 prints d_model 5140; its 40 heads of 128 make 5120, which fits Table D.1.",
        ),
        _gpt3("gpt3-175b", "175B", 175.0e9, 96, 12288, 96, 3.2e6, 0.6e-4),
    )
}  # fmt: skip
"""The 13 models by name, in the order of the papers."""


def published_model(name: str) -> PublishedModel:
    """The model called ``name``.

    Raises:
        GptreproError: no model has that name; the message lists near matches.
    """
    if name in PUBLISHED:
        return PUBLISHED[name]
    near = difflib.get_close_matches(name, PUBLISHED, n=3, cutoff=0.4) or list(PUBLISHED)
    raise GptreproError(f"There is no model called '{name}'; did you mean {', '.join(near)}?")


def describe(model: PublishedModel) -> dict[str, Any]:
    """One model as a flat row: shape, exact count, FLOPs, memory."""
    decoder = model.decoder
    count = count_parameters(decoder)
    tokens = model.recipe.training_tokens
    flops = None if tokens is None else tokens * training_flops_per_token(decoder, decoder.n_ctx)
    return {
        "name": model.name,
        "paper": model.paper,
        "title": model.title,
        "n_layers": decoder.n_layers,
        "d_model": decoder.d_model,
        "n_heads": decoder.n_heads,
        "d_head": decoder.head_width,
        "n_ctx": decoder.n_ctx,
        "n_vocab": decoder.n_vocab,
        "parameters": count.total,
        "parameters_in_blocks": count.blocks,
        "nominal_parameters": model.nominal_parameters,
        "training_tokens": tokens,
        "training_flops": flops,
        "weight_bytes_fp32": 4 * count.total,
        "peak_learning_rate": model.recipe.peak_learning_rate,
        "batch_tokens": model.recipe.batch_tokens,
        "reading": model.reading,
    }
