"""What experiments make once and share: tokenizers trained on a corpus."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from gptrepro import storage
from gptrepro.text.sources import Corpus
from gptrepro.tokenizer import Tokenizer, load_tokenizer, train_byte_level_bpe, train_gpt1_bpe

TokenizerKind = Literal["gpt1", "gpt2"]

_TRAINERS = {"gpt1": train_gpt1_bpe, "gpt2": train_byte_level_bpe}


def trained_tokenizer(kind: TokenizerKind, corpus: Corpus, n_vocab: int, prepared: Path) -> Tokenizer:
    """A BPE of ``n_vocab`` tokens in the style of a paper, trained on ``corpus`` or found in ``prepared``."""
    key = storage.sha256_text(storage.canonical_json([kind, corpus.digest, n_vocab]))[:16]
    folder = prepared / "tokenizers" / f"{kind}-{corpus.name}-{n_vocab}-{key}"
    if not folder.exists():
        tokenizer = _TRAINERS[kind](corpus.documents(), n_vocab)
        with storage.atomic_folder(folder) as temporary:
            tokenizer.save(temporary)
    return load_tokenizer(folder)
