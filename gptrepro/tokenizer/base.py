"""What both tokenizers share: a vocabulary, its merges, an identity and a place on disk."""

from __future__ import annotations

import json
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, Protocol, Self

import tokenizers

from gptrepro.errors import GptreproError
from gptrepro.storage import canonical_json, sha256_text, write_text

KIND_FILE = "gptrepro_tokenizer.json"
_REMEMBERED_PIECES = 2**20
_LONGEST_REMEMBERED = 64
PART = 2**18
"""Characters of a part of a long text (`Tokenizer.encode_parts`)."""


class _PieceIds(dict[str, list[int]]):
    """Ids of every short piece of text met so far: a corpus repeats a few hundred thousand of them.

    The bounds keep text without spaces (Chinese, base64) from filling the memory.
    """

    def __init__(self, encode: Callable[[str], list[int]]) -> None:
        super().__init__()
        self._encode = encode

    def __missing__(self, piece: str) -> list[int]:
        ids = self._encode(piece)
        if len(piece) <= _LONGEST_REMEMBERED:
            if len(self) >= _REMEMBERED_PIECES:
                self.clear()
            self[piece] = ids
        return ids


class TextEncoder(Protocol):
    """What reads and writes texts as ids: a tokenizer, or something around one."""

    @property
    def end_of_text(self) -> int | None:
        """The id that starts a text, if the vocabulary has one."""
        ...

    def encode(self, text: str) -> list[int]:
        """The ids of a text."""
        ...

    def decode(self, ids: Sequence[int]) -> str:
        """The text of ids."""
        ...


class TextWriter(TextEncoder, Protocol):
    """What also says how a text goes on."""

    def continuation(self, before: Sequence[int], new: Sequence[int]) -> str:
        """What new ids add to the text of those before them."""
        ...

    def as_written(self, text: str) -> str:
        """A text in the form that decoding gives it."""
        ...


class Tokenizer(ABC):
    """Text to ids and back, by a byte pair encoding (Sennrich et al. 2016).

    Args:
        vocab: every token and its id; the ids are 0 to ``len(vocab) - 1``.
        merges: pairs of tokens in the order in which they were learned; earlier merges win.
        special: tokens that no text gives but on request, such as ``<|endoftext|>``.

    Raises:
        GptreproError: the ids have gaps, or a merge names a token that is not in the vocabulary.
    """

    kind: ClassVar[str]
    """``gpt1`` or ``gpt2``; stored beside ``tokenizer.json``."""
    reading: int = 1
    """Version of the way from a text to its ids, apart from the vocabulary: raise it, and what was encoded
    before is encoded anew."""
    end_of_text: int | None
    """Id of ``<|endoftext|>``; None for GPT-1, whose vocabulary has no such token."""

    def __init__(
        self, vocab: dict[str, int], merges: Sequence[tuple[str, str]], special: Sequence[str] = ()
    ) -> None:
        if sorted(vocab.values()) != list(range(len(vocab))):
            raise GptreproError(
                f"A vocabulary of {len(vocab)} tokens needs the ids 0 to {len(vocab) - 1}, each once: "
                "restore the tokenizer's files or train it again."
            )
        for left, right in merges:
            if not {left, right, left + right} <= vocab.keys():
                raise GptreproError(
                    f"The merge of {left!r} and {right!r} names a token that is not in the vocabulary: "
                    "the vocabulary and the merges do not belong together."
                )
        self.vocab = vocab
        self.special = {token: vocab[token] for token in special}
        """The special tokens and their ids."""
        self.merges = [(left, right) for left, right in merges]
        self._backend = self._build_backend()
        if self.special:
            self._backend.add_special_tokens(
                [tokenizers.AddedToken(token, normalized=False, special=True) for token in self.special]
            )
        # In plain text the name of a special token is letters; `encode` decides when it is not.
        self._backend.encode_special_tokens = True
        self._piece_ids = _PieceIds(self._encode_piece)

    @abstractmethod
    def _build_backend(self) -> tokenizers.Tokenizer:
        """The pipeline of ``tokenizers`` that ``tokenizer.json`` describes."""

    @abstractmethod
    def _parts(self, blocks: Iterable[str]) -> Iterator[tuple[str, list[str]]]:
        """The text of ``blocks`` in parts of at least `PART`, cut at white space, each with its pieces.

        Pieces are cut where no token can cross, so that each has the ids that it has in the text.
        """

    @abstractmethod
    def _encode_piece(self, piece: str) -> list[int]:
        """Ids of one piece, by ``tokenizers``."""

    @abstractmethod
    def _decode(self, ids: Sequence[int]) -> str:
        """Text of ids that are all in the vocabulary."""

    @abstractmethod
    def _transformers_config(self) -> dict[str, Any]:
        """The content of ``tokenizer_config.json``."""

    def encode(self, text: str, *, allow_special: bool = False) -> list[int]:
        """Ids of ``text``.

        The name of a special token in the text is read as the characters that it is made of, so that no
        document can end another one, unless ``allow_special`` makes it that token.
        """
        if allow_special and self.special:
            longest_first = sorted(self.special, key=len, reverse=True)
            parts = re.split(f"({'|'.join(map(re.escape, longest_first))})", text)
            return [
                token
                for i, part in enumerate(parts)  # every second one is a special token
                for token in ([self.special[part]] if i % 2 else self.encode(part))
            ]
        return [token for _, ids in self.encode_parts(text) for token in ids]

    def encode_parts(self, text: str | Iterable[str]) -> Iterator[tuple[str, list[int]]]:
        """``text`` in parts, cut at white space, with the ids that each has in the whole.

        Pieces and ids take twenty times as much memory as their text, so a long one is better had in parts;
        what is longer than the memory is given as its blocks, wherever these are cut.
        """
        for part, pieces in self._parts([text] if isinstance(text, str) else text):
            yield part, [token for piece in pieces for token in self._piece_ids[piece]]

    def decode(self, ids: Sequence[int]) -> str:
        """Text of ``ids``.

        Raises:
            GptreproError: an id is not in the vocabulary.
        """
        self._require_known(ids)
        return self._decode(ids)

    def continuation(self, before: Sequence[int], new: Sequence[int]) -> str:
        """What ``new`` adds to the text of ``before``, with the space between them if there is one.

        Raises:
            GptreproError: an id is not in the vocabulary.
        """
        return self.decode(new)

    def as_written(self, text: str) -> str:
        """``text`` in the form in which it stands in what `decode` and `continuation` return."""
        return text

    def _require_known(self, ids: Sequence[int]) -> None:
        for token in ids:
            if not 0 <= token < self.n_vocab:
                raise GptreproError(
                    f"Token id {token} is outside this vocabulary of {self.n_vocab} tokens: the ids were "
                    "made with another tokenizer."
                )

    def after(self, n_merges: int) -> Self:
        """The tokenizer as it was after its first ``n_merges`` merges: a training that stopped there.

        Learning is greedy, so that a smaller vocabulary's merges are the first ones of a larger one's.

        Raises:
            GptreproError: there are not so many merges.
        """
        if not 0 <= n_merges <= len(self.merges):
            raise GptreproError(
                f"This tokenizer has {len(self.merges):,} merges: ask for 0 to as many, not {n_merges:,}."
            )
        kept, dropped = self.merges[:n_merges], self.merges[n_merges:]
        gone = {left + right for left, right in dropped} - {left + right for left, right in kept}
        tokens = [token for token in sorted(self.vocab, key=self.vocab.__getitem__) if token not in gone]
        return type(self)({token: i for i, token in enumerate(tokens)}, kept, tuple(self.special))

    @property
    def n_vocab(self) -> int:
        """Number of ids, special tokens included."""
        return len(self.vocab)

    @cached_property
    def digest(self) -> str:
        """SHA-256 over kind, vocabulary and merges: what fixes the ids of a text.

        It is taken over canonical JSON of these and not over ``tokenizer.json`` itself, whose
        incidental fields change from release to release of ``tokenizers``.
        """
        return sha256_text(canonical_json({"kind": self.kind, "vocab": self.vocab, "merges": self.merges}))

    def save(self, folder: Path) -> None:
        """Write the tokenizer into ``folder``, each file atomically.

        ``tokenizer.json`` is the standard file of ``tokenizers``; ``vocab.json``, ``merges.txt`` and
        ``tokenizer_config.json`` are what ``transformers`` reads; one small file names kind and digest.
        Other libraries see only the last step of GPT-1's: ``tokenizer.json`` expects its words, split
        and lower-cased, with single spaces between them.
        """
        in_order = sorted(self.vocab, key=self.vocab.__getitem__)
        merges = "".join(f"{left} {right}\n" for left, right in self.merges)
        files = {
            "tokenizer.json": self._backend.to_str(pretty=True),
            "vocab.json": json.dumps({token: self.vocab[token] for token in in_order}, ensure_ascii=False),
            "merges.txt": f"#version: 0.2\n{merges}",
            "tokenizer_config.json": json.dumps(self._transformers_config(), indent=2, ensure_ascii=False),
            KIND_FILE: json.dumps({"kind": self.kind, "digest": self.digest}, indent=2),
        }
        for name, content in files.items():
            write_text(folder / name, content)


def vocabulary_of(backend: tokenizers.Tokenizer) -> tuple[dict[str, int], list[tuple[str, str]]]:
    """Vocabulary and merges of a trained BPE model of ``tokenizers``."""
    model = json.loads(backend.to_str())["model"]
    return model["vocab"], [(left, right) for left, right in model["merges"]]
