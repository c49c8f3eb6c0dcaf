"""What trained decoders write: the same prompts, drawn in the same way, in every experiment that asks."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

from gptrepro.experiments.base import Coordinate, Unit, Written
from gptrepro.experiments.training import TextTraining
from gptrepro.generation.writing import write
from gptrepro.model import Decoder

PROMPTS = ("She opened the door and", "The old man looked at", '"I do not believe')
"""What a decoder is asked to continue."""

WRITING_SEED, TEMPERATURE, TOP_K = 1, 0.8, 40
"""How it is drawn, the first prompt with this seed and each other with the next. GPT-2's samples have this k;
the temperature is a common choice."""

NEW_TOKENS = 60


def written(
    training: TextTraining,
    unit: Unit,
    folder: Path,
    at: Fraction,
    *,
    prompts: tuple[str, ...] = PROMPTS,
    **coordinates: Coordinate,
) -> list[Written]:
    """What the decoder that was trained in ``folder`` writes after each prompt.

    Args:
        training: what trained it.
        unit: the seed that trained it.
        folder: where.
        at: the fraction of its training; 0 is untrained.
        prompts: what is continued.
        **coordinates: of the model, for who reads the record.
    """
    tokenizer = training.load_tokenizer(unit.prepared)
    ids = [tokenizer.encode(prompt) for prompt in prompts]
    room = min(NEW_TOKENS, training.n_ctx - max(map(len, ids)))
    model = training.pretrained(folder, at, device="cpu")
    assert isinstance(model, Decoder)
    texts = []
    for seed, (prompt, tokens) in enumerate(zip(prompts, ids, strict=True), WRITING_SEED):
        (text,) = write(model, tokenizer, [tokens], room, temperature=TEMPERATURE, top_k=TOP_K, seed=seed)
        texts.append(Written(coordinates, prompt, text, seed, TEMPERATURE, TOP_K))
    return texts
