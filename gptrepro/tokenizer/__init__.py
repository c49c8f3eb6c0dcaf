"""From text to token ids and back, as the three papers did it.

GPT-1 lower-cases and respaces English before a byte pair encoding of characters; GPT-2 (and GPT-3,
which reuses it) encodes bytes and loses nothing. Both train at any size and read the published
vocabularies.
"""

from gptrepro.tokenizer.base import TextEncoder, TextWriter, Tokenizer
from gptrepro.tokenizer.byte_level import ByteLevelTokenizer, train_byte_level_bpe
from gptrepro.tokenizer.gpt1 import Gpt1Tokenizer, train_gpt1_bpe
from gptrepro.tokenizer.loading import load_published_gpt1, load_published_gpt2, load_tokenizer

__all__ = [
    "ByteLevelTokenizer",
    "Gpt1Tokenizer",
    "TextEncoder",
    "TextWriter",
    "Tokenizer",
    "load_published_gpt1",
    "load_published_gpt2",
    "load_tokenizer",
    "train_byte_level_bpe",
    "train_gpt1_bpe",
]
