"""GPT-1's tokenizer: English words, lower-cased, then byte pair encoding of characters.

The paper says "a bytepair encoding vocabulary with 40,000 merges", ftfy "to clean the raw text" and
"the spaCy tokenizer" (Radford et al. 2018, section 4.1). The end of a word is part of its last symbol
(``</w>``), so that ``th`` and ``th</w>`` are different tokens.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import tokenizers
from tokenizers import decoders, models, pre_tokenizers, trainers

from gptrepro.errors import GptreproError
from gptrepro.tokenizer import base
from gptrepro.tokenizer.base import Tokenizer, vocabulary_of
from gptrepro.tokenizer.standardise import pieces_of, words_of
from gptrepro.tokenizer.training import LONGEST_PIECE, heard

UNKNOWN = "<unk>"
END_OF_WORD = "</w>"
LINE_END = "\n" + END_OF_WORD
N_CHARACTERS = 238
"""Characters of the published vocabulary; it holds each with and without ``</w>``."""


def _cut_at_lines(blocks: Iterable[str]) -> Iterator[str]:
    """The text of the blocks, cut after the first line end beyond each `PART`."""
    rest = ""
    for block in blocks:
        text, start = rest + block, 0
        while end := text.find("\n", start + base.PART) + 1:
            yield text[start:end]
            start = end
        rest = text[start:]
    if rest:
        yield rest


class Gpt1Tokenizer(Tokenizer):
    """The released encoder: ftfy, respacing, spaCy's English words, lower case, BPE.

    Case, spacing and the styles of dashes and quotes are lost on the way (``standardise`` says where),
    and a character outside the vocabulary becomes ``<unk>``.
    """

    kind = "gpt1"
    reading = 2  # 1 set a backslash apart
    end_of_text = None

    def __init__(
        self, vocab: dict[str, int], merges: Sequence[tuple[str, str]], special: Sequence[str] = ()
    ) -> None:
        if UNKNOWN not in vocab:
            raise GptreproError(
                f"A GPT-1 vocabulary needs the token {UNKNOWN} for characters it does not know."
            )
        super().__init__(vocab, merges, special)
        self._tokens = sorted(vocab, key=vocab.__getitem__)

    def _build_backend(self) -> tokenizers.Tokenizer:
        backend = tokenizers.Tokenizer(
            models.BPE(
                vocab=self.vocab,
                merges=self.merges,
                unk_token=UNKNOWN,
                end_of_word_suffix=END_OF_WORD,
                fuse_unk=False,
            )
        )
        # Not WhitespaceSplit: it would drop the line ends, which are words here.
        backend.pre_tokenizer = pre_tokenizers.CharDelimiterSplit(" ")
        backend.decoder = decoders.BPEDecoder(suffix=END_OF_WORD)
        return backend

    def _parts(self, blocks: Iterable[str]) -> Iterator[tuple[str, list[str]]]:
        began, in_markup = False, False
        for part in _cut_at_lines(blocks):
            pieces = pieces_of(part, in_markup)
            yield part, ["\n", *pieces] if began and pieces else pieces
            began, in_markup = began or bool(pieces), in_markup or "<" in part

    def _encode_piece(self, piece: str) -> list[int]:
        ids: list[int] = self._backend.encode(" ".join(words_of(piece)), add_special_tokens=False).ids
        return ids

    def _decode(self, ids: Sequence[int]) -> str:
        return self._spaced(ids).strip()

    def _spaced(self, ids: Sequence[int]) -> str:
        # A space after each word is all that is known of the original's spacing.
        return "".join(self._tokens[token] for token in ids).replace(END_OF_WORD, " ")

    def continuation(self, before: Sequence[int], new: Sequence[int]) -> str:
        """What ``new`` adds to the text of ``before``: after a whole word a space; line ends on either side.

        Raises:
            GptreproError: an id is not in the vocabulary.
        """
        self._require_known([*before, *new])
        last = self._tokens[before[-1]] if before else ""
        border = " " if last.endswith(END_OF_WORD) and last != LINE_END else ""
        return (border + self._spaced(new)).rstrip(" ")

    def as_written(self, text: str) -> str:
        """``text`` respaced and in lower case, with a line end at either side where it has one.

        What holds no word, such as white space, stays as it is; one line end stands for any number of them.
        """
        words = [word for piece in pieces_of(text) for word in words_of(piece)]
        if not words:
            return "\n" if "\n" in text else text
        before, after = text[: len(text) - len(text.lstrip())], text[len(text.rstrip()) :]
        return " ".join(["\n"] * ("\n" in before) + words + ["\n"] * ("\n" in after))

    def _transformers_config(self) -> dict[str, Any]:
        return {"tokenizer_class": "OpenAIGPTTokenizer", "unk_token": UNKNOWN}


def first_symbols(word: str) -> list[str]:
    """What merging starts from: the characters of a word, the last one with ``</w>``."""
    return [*word[:-1], word[-1] + END_OF_WORD]


def train_gpt1_bpe(texts: Iterable[str], n_vocab: int) -> Gpt1Tokenizer:
    """Learn GPT-1's kind of vocabulary: ``<unk>``, characters, merges, and the line end as the last id.

    At most 238 characters enter, the most frequent first, as in the published vocabulary. A pair
    seen only once is not merged, so a small corpus gives fewer than ``n_vocab`` tokens. Words of more than
    256 characters, which ordinary text does not have, are cut.

    Raises:
        GptreproError: ``n_vocab`` has no room for the characters, or the texts hold no word.
    """
    pieces: Counter[str] = Counter()
    for text in texts:
        pieces.update(pieces_of(text))
    words: Counter[str] = Counter()
    for piece, count in pieces.items():
        for word in words_of(piece):
            for start in range(0, len(word), LONGEST_PIECE):
                words[word[start : start + LONGEST_PIECE]] += count
    del words["\n"]
    if not words:
        raise GptreproError("There is no text to train a tokenizer on: the corpus holds no word.")

    characters: Counter[str] = Counter()
    for word, count in words.items():
        for character in word:
            characters[character] += count
    by_frequency = sorted(characters, key=lambda character: (-characters[character], character))
    alphabet = by_frequency[:N_CHARACTERS]
    base = [UNKNOWN, *alphabet, *(character + END_OF_WORD for character in alphabet)]
    if n_vocab < len(base) + 1:
        raise GptreproError(
            f"A vocabulary for this text needs at least {len(base) + 1} tokens (its {len(alphabet)} "
            f"characters with and without {END_OF_WORD}, {UNKNOWN} and the line end), not {n_vocab}."
        )

    backend = tokenizers.Tokenizer(models.BPE(unk_token=UNKNOWN, end_of_word_suffix=END_OF_WORD))
    backend.pre_tokenizer = pre_tokenizers.CharDelimiterSplit(" ")
    trainer = trainers.BpeTrainer(
        vocab_size=n_vocab - 1,
        min_frequency=2,
        special_tokens=base,  # fixes their ids, which the trainer would otherwise deal out at random
        end_of_word_suffix=END_OF_WORD,
        show_progress=False,
    )
    known = set(alphabet)
    chosen = {word: count for word, count in words.items() if known.issuperset(word)}
    heard(lambda: backend.train_from_iterator(_repeat(chosen), trainer))
    vocab, merges = vocabulary_of(backend)
    vocab[LINE_END] = len(vocab)
    return Gpt1Tokenizer(vocab, merges)


def _repeat(words: dict[str, int], at_once: int = 1000) -> Iterator[str]:
    """Each word as often as it was counted, space-joined in strings of bounded length."""
    for word, count in words.items():
        whole, rest = divmod(count, at_once)
        for times in [at_once] * whole + [rest]:
            yield " ".join([word] * times)
