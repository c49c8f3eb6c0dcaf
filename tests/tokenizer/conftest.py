"""Small tokenizers, trained once, and the published ones where the mirror is at hand."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest

from gptrepro.tokenizer import (
    ByteLevelTokenizer,
    Gpt1Tokenizer,
    load_published_gpt1,
    load_published_gpt2,
    train_byte_level_bpe,
    train_gpt1_bpe,
)

PLAY = [
    "ACT I. Scene 1.\n\nFirst Witch: When shall we three meet again? In thunder, lightning, or in rain?\n"
    "Second Witch: When the hurly-burly's done; when the battle's lost and won.\n"
    "Third Witch: That will be ere the set of sun. First Witch: Where the place?\n",
    "“Don't go,” she said — “it's raining…” They're not going; he won't, and I can't.\n"
    "The café’s façade was grey, and the naïve witch met the other witches there again.\n",
    "I shall meet thee again, and again, where the thunder and the rain are done. It was won, it was lost.",
]


@pytest.fixture(scope="session")
def small_gpt1() -> Gpt1Tokenizer:
    return train_gpt1_bpe(PLAY, 180)


@pytest.fixture(scope="session")
def small_gpt2() -> ByteLevelTokenizer:
    return train_byte_level_bpe(PLAY, 340)


@cache
def _published_gpt1(folder: Path) -> Gpt1Tokenizer:
    return load_published_gpt1(folder / "encoder_bpe_40000.json", folder / "vocab_40000.bpe")


@cache
def _published_gpt2(folder: Path) -> ByteLevelTokenizer:
    return load_published_gpt2(folder / "encoder.json", folder / "vocab.bpe")


@pytest.fixture
def published_gpt1(mirror: Path) -> Gpt1Tokenizer:
    return _published_gpt1(mirror / "tokenizers" / "gpt1")


@pytest.fixture
def published_gpt2(mirror: Path) -> ByteLevelTokenizer:
    return _published_gpt2(mirror / "tokenizers" / "gpt2")
