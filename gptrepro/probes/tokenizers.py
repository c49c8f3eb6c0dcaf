"""What the tokenizers do, and what their published files hold."""

from __future__ import annotations

import functools
import math
import sys
import unicodedata
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gptrepro.evaluate.perplexity import evaluate_perplexity
from gptrepro.probes.registry import register
from gptrepro.sources.assets import tokenizer_files
from gptrepro.tokenizer import (
    ByteLevelTokenizer,
    Gpt1Tokenizer,
    load_published_gpt2,
    train_byte_level_bpe,
    train_gpt1_bpe,
)
from gptrepro.tokenizer.byte_level import END_OF_TEXT
from gptrepro.tokenizer.rivals import AcrossCategories
from gptrepro.tokenizer.standardise import fix_text

_SAMPLE = [
    "My dog. Your dog! Whose dog? The dog, the hot dog; a dog's life. Dogs don't mind the 1917 dog-days.\n"
] * 20


@functools.cache
def _small_gpt1() -> Gpt1Tokenizer:
    return train_gpt1_bpe(_SAMPLE, 200)


@functools.cache
def _small_gpt2() -> ByteLevelTokenizer:
    return train_byte_level_bpe(_SAMPLE, 320)


@register
def gpt2_vocabulary() -> dict[str, int]:
    """Parts of GPT-2's published vocabulary, counted in its files.

    A token is a byte if it is one symbol, special if no merge makes it.

    Raises:
        GptreproError: no tier can serve the files.
    """
    files = tokenizer_files("gpt2")
    tokenizer = load_published_gpt2(files["encoder.json"], files["vocab.bpe"])
    made = {left + right for left, right in tokenizer.merges}
    one_symbol = sum(len(token) == 1 for token in tokenizer.vocab)
    return {
        "vocab": len(tokenizer.vocab),
        "byte_base": one_symbol,
        "merges": len(tokenizer.merges),
        "special": sum(len(token) > 1 and token not in made for token in tokenizer.vocab),
    }


@register
def byte_base() -> dict[str, Any]:
    """A byte-level vocabulary, trained: what it starts from, and whether all of Unicode comes back."""
    tokenizer = _small_gpt2()
    text = "naïve Ωμέγα 東京 \N{GRINNING FACE}\t\n"
    return {
        "byte_base": len(tokenizer.vocab) - len(tokenizer.merges) - (END_OF_TEXT in tokenizer.vocab),
        "lossless": tokenizer.decode(tokenizer.encode(text)) == text,
    }


@register
def merges_within_categories() -> dict[str, bool]:
    """Tokens of a trained byte-level vocabulary: does any join letters to digits or marks, or a space?"""
    tokens = [token for token in _small_gpt2().vocab if token != END_OF_TEXT and len(token) > 1]
    space = "Ġ"  # how byte-level BPE writes the space
    cores = [token.removeprefix(space) for token in tokens]
    return {
        "categories_stay_apart": all(
            core.isalpha()
            or core.isdigit()
            or not any(c.isalnum() for c in core.removeprefix("'"))
            or core.startswith("'")
            for core in cores
        ),
        "spaces_join": any(token.startswith(space) and len(token) > 1 for token in tokens),
        "dog_is_one_token": f"{space}dog" in tokens,
    }


@register
def versions_of_dog() -> dict[str, list[str]]:
    """Full stop, exclamation and question mark behind "dog" as single tokens, with and without the rule that
    keeps merges within categories."""
    free = train_byte_level_bpe(_SAMPLE, 330, AcrossCategories)
    vocabularies = {"without_the_rule": free, "with_the_rule": _small_gpt2()}
    return {
        name: [f"dog{mark}" for mark in "!.?" if f"Ġdog{mark}" in tokenizer.vocab]
        for name, tokenizer in vocabularies.items()
    }


@register
def unicode_base_is_large() -> bool:
    """Whether more than 130,000 code points are assigned to characters, in Python's own tables."""
    assigned = (
        unicodedata.category(chr(point)) not in ("Cn", "Co", "Cs") for point in range(sys.maxunicode + 1)
    )
    return sum(assigned) > 130_000


@register
def gpt1_cleaning() -> dict[str, bool]:
    """Traces of ftfy (broken accents repaired) and of spaCy (contractions split) in GPT-1's tokenizer."""
    tokenizer = _small_gpt1()
    return {
        "ftfy": fix_text("cafÃ©") == "café",
        "spacy": tokenizer.encode("don't") == tokenizer.encode("do n't"),
    }


@register
def gpt1_keeps_case() -> bool:
    """Whether two casings of a sentence get different ids."""
    tokenizer = _small_gpt1()
    return tokenizer.encode("The DOG minds") != tokenizer.encode("the dog minds")


@register
def unseen_text() -> dict[str, Any]:
    """What becomes of words, and of a character, that the training text did not hold, in either tokenizer."""
    words, character = "guides the tidy house", "dog \N{SNOWMAN}"
    gpt1, gpt2 = _small_gpt1(), _small_gpt2()
    return {
        "unknown_in_unseen_words": gpt1.encode(words).count(gpt1.vocab["<unk>"]),
        "unknown_in_unseen_characters": gpt1.encode(character).count(gpt1.vocab["<unk>"]),
        "gpt2_lossless": gpt2.decode(gpt2.encode(character)) == character,
    }


class _Uniform(torch.nn.Module):
    """A language model that knows nothing: every token is as likely as any other."""

    def __init__(self, n_vocab: int) -> None:
        super().__init__()
        self.scores = torch.nn.Parameter(torch.zeros(n_vocab))

    def hidden(self, ids: Tensor) -> Tensor:
        return self.scores.expand(*ids.shape, -1)

    def logits(self, hidden: Tensor) -> Tensor:
        return hidden


@dataclass(frozen=True)
class _Text:
    """A text of 4 letters per token and 2 tokens per word."""

    tokens: NDArray[np.unsignedinteger]
    n_tokens: int
    n_bytes: int
    n_words: int


@register
def units_of_likelihood() -> dict[str, bool]:
    """Whether one likelihood is spread rightly over words, bytes and bits, on a model of known likelihood.

    Each token costs 4 bits under a uniform model of 16 tokens; the text has 2 tokens to a word of 8 bytes.
    """
    text = _Text(np.arange(65, dtype=np.uint16) % 16, n_tokens=65, n_bytes=4 * 65, n_words=65 // 2)
    found = evaluate_perplexity(_Uniform(16), text, context=16)
    words = text.n_words / text.n_tokens * found.tokens
    return {
        "word_from_token": math.isclose(
            math.log2(found.perplexity_per_word), 4 * found.tokens / words, rel_tol=1e-5
        ),
        "bits_from_nats": math.isclose(found.bits_per_byte, 1.0, rel_tol=1e-5),
    }
