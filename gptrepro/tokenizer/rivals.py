"""What GPT-2's encoding is held against (Radford et al. 2019, section 2.2): words, and merges with no border.

Both spell in bytes what they do not know, so that any text comes back and bits per byte can be compared.
"""

from __future__ import annotations

import string
from collections.abc import Iterable
from typing import Any

import tokenizers
from tokenizers import Regex, models, pre_tokenizers, trainers

from gptrepro.tokenizer.byte_level import END_OF_TEXT, ByteLevelTokenizer, require_room_and_text
from gptrepro.tokenizer.training import heard


class AcrossCategories(ByteLevelTokenizer):
    """Byte-level BPE that is cut at white space alone, so that merges may join letters, digits and marks.

    It is trained and used in one go: no folder says how it splits, so that none can be opened as another.
    """

    kind = "across-categories"

    @staticmethod
    def splitting() -> Any:
        """Words with the space before them, whatever they are made of; white space as GPT-2 has it."""
        words = pre_tokenizers.Split(Regex(r" ?\S+|\s+(?!\S)|\s+"), behavior="isolated")
        return pre_tokenizers.Sequence(
            [words, pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)]
        )


class WordTokenizer(ByteLevelTokenizer):
    """The most frequent words as one token each, and all others as their bytes.

    A word is a piece of GPT-2's split: letters, digits or marks, with the space before them. An unknown one
    is no ``<unk>``, whose letters would cost nothing, but is spelled.
    """

    kind = "words"
    takes_whole_pieces = True


def train_words(texts: Iterable[str], n_vocab: int) -> WordTokenizer:
    """256 bytes, the most frequent words and ``<|endoftext|>`` as the last id.

    A word seen only once is none, so a small corpus gives fewer than ``n_vocab`` tokens.

    Raises:
        GptreproError: ``n_vocab`` is below 257 (256 bytes and ``<|endoftext|>``), or no text was given.
    """
    texts = require_room_and_text(texts, n_vocab)
    backend = tokenizers.Tokenizer(models.WordLevel())
    backend.pre_tokenizer = WordTokenizer.splitting()
    trainer = trainers.WordLevelTrainer(vocab_size=n_vocab, min_frequency=2, show_progress=False)
    heard(lambda: backend.train_from_iterator(texts, trainer))
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    found: dict[str, int] = backend.get_vocab()
    by_frequency = [word for word in sorted(found, key=found.__getitem__) if word not in alphabet]
    tokens = [*alphabet, *by_frequency[: n_vocab - 1 - len(alphabet)], END_OF_TEXT]
    return WordTokenizer({token: i for i, token in enumerate(tokens)}, [])


def with_marks(tokens: Iterable[str]) -> dict[str, list[str]]:
    """Words that are tokens, each with the tokens that are the same word with marks: ``dog.``, ``dog!``.

    Args:
        tokens: as a byte-level vocabulary writes them, a space as ``Ġ``.
    """
    known = set(tokens)
    found: dict[str, list[str]] = {}
    for token in sorted(known):
        word = token.rstrip(string.punctuation)
        letters = word.removeprefix("Ġ")
        if word != token and word in known and letters.isascii() and letters.isalpha():
            found.setdefault(word, []).append(token)
    return found
