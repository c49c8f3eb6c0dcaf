"""What the tokenizers do, and what their published files hold."""

from __future__ import annotations

import functools
import sys
import unicodedata
from typing import Any

from gptrepro.claims.construction.registry import register
from gptrepro.text.assets import tokenizer_files
from gptrepro.tokenizer import (
    ByteLevelTokenizer,
    Gpt1Tokenizer,
    load_published_gpt2,
    train_byte_level_bpe,
    train_gpt1_bpe,
)
from gptrepro.tokenizer.byte_level import END_OF_TEXT
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
def unseen_characters() -> dict[str, Any]:
    """What becomes of a character that the training text did not hold, in either tokenizer."""
    text = "dog \N{SNOWMAN}"
    gpt1, gpt2 = _small_gpt1(), _small_gpt2()
    return {
        "gpt1_unknown_tokens": gpt1.encode(text).count(gpt1.vocab["<unk>"]),
        "gpt2_lossless": gpt2.decode(gpt2.encode(text)) == text,
    }
