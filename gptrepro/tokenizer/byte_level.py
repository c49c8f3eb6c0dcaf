"""GPT-2's tokenizer: byte pair encoding over the 256 bytes of UTF-8 (Radford et al. 2019, section 2.2).

Nothing is lost: upper case, spaces, line ends and characters of any script come back exactly. The
price is that a rare script costs up to four tokens per character.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import Any, ClassVar

import tokenizers
from tokenizers import decoders, models, pre_tokenizers, processors, trainers

from gptrepro.errors import GptreproError
from gptrepro.tokenizer import base
from gptrepro.tokenizer.base import Tokenizer, vocabulary_of
from gptrepro.tokenizer.training import LONGEST_PIECE, heard

END_OF_TEXT = "<|endoftext|>"
N_BYTES = 256
_BEFORE_SPACE = re.compile(r"(?=[ \n])(?<=\S)")
_SURROGATE = re.compile("[\ud800-\udfff]")


class ByteLevelTokenizer(Tokenizer):
    """Byte-level BPE whose last step before merging splits words, numbers and punctuation.

    A merge never crosses the borders of that split, so that "dog.", "dog!" and "dog?" do not each
    take a place in the vocabulary (section 2.2).
    """

    kind = "gpt2"
    takes_whole_pieces: ClassVar[bool] = False
    """Whether a piece that is a token becomes that token, whatever the merges are."""

    @staticmethod
    def splitting() -> Any:
        """The step that cuts a text into the pieces that no merge crosses."""
        return pre_tokenizers.ByteLevel(add_prefix_space=False)

    def __init__(
        self, vocab: dict[str, int], merges: Sequence[tuple[str, str]], special: Sequence[str] = ()
    ) -> None:
        missing = set(pre_tokenizers.ByteLevel.alphabet()) - vocab.keys()
        if missing:
            raise GptreproError(
                f"A byte-level vocabulary needs a token for each of the {N_BYTES} bytes; "
                f"{len(missing)} are missing."
            )
        if END_OF_TEXT in vocab:
            special = tuple(dict.fromkeys([*special, END_OF_TEXT]))
        super().__init__(vocab, merges, special)
        self.end_of_text = vocab.get(END_OF_TEXT)

    def _build_backend(self) -> tokenizers.Tokenizer:
        backend = tokenizers.Tokenizer(
            models.BPE(vocab=self.vocab, merges=self.merges, ignore_merges=self.takes_whole_pieces)
        )
        backend.pre_tokenizer = self.splitting()
        backend.decoder = decoders.ByteLevel()
        backend.post_processor = processors.ByteLevel(trim_offsets=False)
        return backend

    def _parts(self, blocks: Iterable[str]) -> Iterator[tuple[str, list[str]]]:
        # Within a token, white space comes first or fills it: one ends where a space or a line end
        # follows anything else, and what comes after does not change where it began.
        rest = ""
        for block in blocks:
            if _SURROGATE.search(block):
                raise GptreproError(
                    "The text holds half of a surrogate pair (U+D800 to U+DFFF), which is not a character: "
                    "decode its source with errors='replace'."
                )
            text, start = rest + block, 0
            while cut := _BEFORE_SPACE.search(text, start + base.PART):
                part = text[start : cut.start()]
                yield part, _BEFORE_SPACE.split(part)
                start += len(part)
            rest = text[start:]
        if rest:
            yield rest, _BEFORE_SPACE.split(rest)

    def _encode_piece(self, piece: str) -> list[int]:
        ids: list[int] = self._backend.encode(piece, add_special_tokens=False).ids
        return ids

    def _decode(self, ids: Sequence[int]) -> str:
        # Bytes that are not UTF-8 (a character cut in half) become U+FFFD.
        text: str = self._backend.decode(list(ids), skip_special_tokens=False)
        return text

    def _transformers_config(self) -> dict[str, Any]:
        special = END_OF_TEXT if self.end_of_text is not None else None
        return {
            "tokenizer_class": "GPT2Tokenizer",
            "add_prefix_space": False,
            "bos_token": special,
            "eos_token": special,
            "unk_token": special,
            "clean_up_tokenization_spaces": False,
        }


def train_byte_level_bpe(
    texts: Iterable[str], n_vocab: int, kind: type[ByteLevelTokenizer] = ByteLevelTokenizer
) -> ByteLevelTokenizer:
    """Learn GPT-2's kind of vocabulary: 256 bytes, merges, and ``<|endoftext|>`` as the last id.

    A pair seen only once is not merged, so a small corpus gives fewer than ``n_vocab`` tokens. Pieces of more
    than 256 bytes, which ordinary text does not have, are cut.

    Args:
        texts: what to learn from.
        n_vocab: tokens in the vocabulary; with 257 there are no merges, and a token is a byte.
        kind: GPT-2's, or one that splits otherwise (`gptrepro.tokenizer.rivals`).

    Raises:
        GptreproError: ``n_vocab`` is below 257 (256 bytes and ``<|endoftext|>``), or no text was given.
    """
    texts = require_room_and_text(texts, n_vocab)
    backend = tokenizers.Tokenizer(models.BPE())
    backend.pre_tokenizer = pre_tokenizers.Sequence(
        [
            kind.splitting(),
            pre_tokenizers.FixedLength(length=LONGEST_PIECE),
        ]
    )
    trainer = trainers.BpeTrainer(
        vocab_size=n_vocab - 1,
        min_frequency=2,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    heard(lambda: backend.train_from_iterator(texts, trainer))
    vocab, merges = vocabulary_of(backend)
    vocab[END_OF_TEXT] = len(vocab)
    return kind(vocab, merges)


def require_room_and_text(texts: Iterable[str], n_vocab: int) -> Iterator[str]:
    """The texts that are not empty, where there are any, and room for all bytes and the end of a text.

    Raises:
        GptreproError: ``n_vocab`` is below 257, or no text was given.
    """
    if n_vocab <= N_BYTES:
        raise GptreproError(
            f"A byte-level vocabulary needs at least {N_BYTES + 1} tokens ({N_BYTES} bytes and "
            f"{END_OF_TEXT}), not {n_vocab}."
        )
    texts = (text for text in texts if text)
    first = next(texts, None)
    if first is None:
        raise GptreproError("There is no text to train a tokenizer on: the corpus is empty.")
    return chain([first], texts)
