"""A reader's choice of a tokenizer, made once for a training and kept beside what made it."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Protocol

from gptrepro import storage
from gptrepro.errors import GptreproError
from gptrepro.sources.assets import tokenizer_files
from gptrepro.tokenizer.base import Tokenizer
from gptrepro.tokenizer.byte_level import train_byte_level_bpe
from gptrepro.tokenizer.gpt1 import train_gpt1_bpe
from gptrepro.tokenizer.loading import load_published_gpt1, load_published_gpt2, load_tokenizer

ORIGIN_FILE = "origin.json"
_TRAINERS: dict[str, Callable[[Iterable[str], int], Tokenizer]] = {
    "train-gpt1": train_gpt1_bpe,
    "train-gpt2": train_byte_level_bpe,
}


class Text(Protocol):
    """What a tokenizer is trained on."""

    @property
    def digest(self) -> str: ...
    def documents(self) -> Iterator[str | Iterable[str]]: ...


@dataclass(frozen=True)
class Origin:
    """All that decides which tokenizer a choice gives."""

    choice: str
    """``gpt1``, ``gpt2``, ``train-gpt1``, ``train-gpt2`` or ``folder``."""
    n_vocab: int | None = None
    """The tokens that a training was to give."""
    text: str | None = None
    """SHA-256 of the text that it was trained on."""
    tokenizer: str | None = None
    """The digest of a folder's tokenizer."""

    @classmethod
    def of(cls, choice: str, text: Text, n_vocab: int) -> Origin:
        """What a choice rests on; see `open_tokenizer`."""
        if choice in ("gpt1", "gpt2"):
            return cls(choice)
        if choice in _TRAINERS:
            return cls(choice, n_vocab=n_vocab, text=text.digest)
        return cls("folder", tokenizer=_in_folder(choice).digest)

    def __str__(self) -> str:
        if self.text is not None:
            return f"{self.choice} with {self.n_vocab:,} tokens on the text {self.text[:12]}"
        return self.choice if self.tokenizer is None else f"the folder of the tokenizer {self.tokenizer[:12]}"


def open_tokenizer(choice: str, text: Text, n_vocab: int) -> Tokenizer:
    """The published tokenizer ``gpt1`` or ``gpt2``, a saved one by its folder, or one trained on the text.

    ``train-gpt1`` and ``train-gpt2`` train a tokenizer of ``n_vocab`` tokens in that paper's style.

    Raises:
        GptreproError: no such choice or folder, or the published files cannot be had.
    """
    if choice == "gpt1":
        files = tokenizer_files("gpt1")
        return load_published_gpt1(files["encoder_bpe_40000.json"], files["vocab_40000.bpe"])
    if choice == "gpt2":
        files = tokenizer_files("gpt2")
        return load_published_gpt2(files["encoder.json"], files["vocab.bpe"])
    if choice in _TRAINERS:
        documents = ([each] if isinstance(each, str) else each for each in text.documents())
        return _TRAINERS[choice](itertools.chain.from_iterable(documents), n_vocab)
    return _in_folder(choice)


def _in_folder(choice: str) -> Tokenizer:
    if not Path(choice).is_dir():
        raise GptreproError(
            f"There is no tokenizer '{choice}': choose gpt1, gpt2, train-gpt1, train-gpt2 or a folder."
        )
    return load_tokenizer(Path(choice))


def kept_or_opened(kept: Path, choice: str, text: Text, n_vocab: int) -> Tokenizer:
    """The tokenizer that an earlier call of a training kept, or the chosen one where none did; see `keep`.

    Raises:
        GptreproError: what is kept was made from something else than is asked for now, or the choice is none.
    """
    if not kept.is_dir():
        return open_tokenizer(choice, text, n_vocab)
    tokenizer, asked = load_tokenizer(kept), Origin.of(choice, text, n_vocab)
    if (kept / ORIGIN_FILE).is_file():
        made_by = storage.read_json(kept / ORIGIN_FILE, Origin, "origin of a tokenizer")
    elif open_tokenizer(choice, text, n_vocab).digest == tokenizer.digest:  # kept by gptrepro 0.1
        made_by = asked
    else:
        made_by = Origin("folder", tokenizer=tokenizer.digest)
    if made_by != asked:
        raise GptreproError(
            f"The training in {kept.parent} has a tokenizer made by {made_by}, not by {asked}: go on with "
            "what it began with, choose another --output, or delete that folder to start anew."
        )
    return tokenizer


def keep(kept: Path, tokenizer: Tokenizer, choice: str, text: Text, n_vocab: int) -> None:
    """Write a training's tokenizer into the folder ``kept``, with what made it; one that is there stays."""
    if not kept.is_dir():
        with storage.atomic_folder(kept) as temporary:
            tokenizer.save(temporary)
            origin = asdict(Origin.of(choice, text, n_vocab))
            storage.write_text(temporary / ORIGIN_FILE, storage.canonical_json(origin))
