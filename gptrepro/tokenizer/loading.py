"""Tokenizers from disk: our own folders, those of ``transformers``, and the published files."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any, NamedTuple

from gptrepro.errors import GptreproError
from gptrepro.tokenizer.base import KIND_FILE, Tokenizer
from gptrepro.tokenizer.byte_level import ByteLevelTokenizer
from gptrepro.tokenizer.foreign import require_known_settings, require_known_steps, special_tokens
from gptrepro.tokenizer.gpt1 import END_OF_WORD, UNKNOWN, Gpt1Tokenizer
from gptrepro.tokenizer.rivals import WordTokenizer

KINDS: dict[str, type[ByteLevelTokenizer] | type[Gpt1Tokenizer]] = {
    kind.kind: kind for kind in (ByteLevelTokenizer, Gpt1Tokenizer, WordTokenizer)
}
GPT1_SHA256 = (
    "fdf49b19e7de236852091da09b84a7a3cd5e7b0e79916376cf45f6b8127b8078",
    "0ea9b51ae695073cd871e0358f7016311d671a7ff3963e367d5236522f294725",
)
"""``encoder_bpe_40000.json`` and ``vocab_40000.bpe`` of openai/finetune-transformer-lm."""
GPT2_SHA256 = (
    "196139668be63f3b5d6574427317ae82f612a97c5d1cdaf36ed2256dbf636783",
    "1ce1664773c50f3e0cc8842619a93edc4624525b728b188a9e0be33b7726adc5",
)
"""``encoder.json`` and ``vocab.bpe`` of openai/gpt-2."""


def load_tokenizer(folder: Path) -> Tokenizer:
    """The tokenizer that ``Tokenizer.save`` wrote, or that of a ``transformers`` GPT-1 or GPT-2 folder.

    Vocabulary and merges come from ``tokenizer.json``, else from ``vocab.json`` and ``merges.txt``. The steps
    around them are ours, and a folder that asks for others is refused (`gptrepro.tokenizer.foreign`); special
    tokens that it adds are encoded on request.

    Raises:
        GptreproError: a file is missing, damaged or of an unknown kind, or asks for what ours do not do.
    """
    stated = _stated_kind(folder / KIND_FILE)
    config_path = folder / "tokenizer_config.json"
    config = _read_json(config_path.read_bytes(), config_path) if config_path.is_file() else {}
    numbered = _numbered(config.get("added_tokens_decoder"), config_path)
    if (folder / "tokenizer.json").is_file():
        found = _in_one_file(folder / "tokenizer.json", stated and stated[0])
    elif (folder / "vocab.json").is_file() and (folder / "merges.txt").is_file():
        found = _in_several_files(folder, stated and stated[0], numbered)
    else:
        raise GptreproError(
            f"There is no tokenizer in {folder}: it needs tokenizer.json, or vocab.json and merges.txt."
        )
    require_known_settings(config, found.kind, config_path)
    special = [
        *special_tokens(found.added, found.kind, found.listed_in),
        *special_tokens(numbered, found.kind, config_path),
    ]
    for name, number in special:
        if found.vocab.setdefault(name, number) != number:
            raise _damaged(found.listed_in, f"the token {name!r} has two ids")
    tokenizer = KINDS[found.kind](found.vocab, found.merges, tuple(dict(special)))
    if stated and tokenizer.digest != stated[1]:
        raise GptreproError(
            f"The tokenizer in {folder} is not the one that was saved there (its digest differs): "
            "restore the folder or train the tokenizer again."
        )
    return tokenizer


class _Stored(NamedTuple):
    """What the files of a tokenizer hold."""

    kind: str
    vocab: dict[str, int]
    merges: list[tuple[str, str]]
    added: list[Any]
    """Tokens that were added to the vocabulary."""
    listed_in: Path
    """The file that lists them."""


def _in_one_file(path: Path, kind: str | None) -> _Stored:
    """A ``tokenizer.json``, which states every step, of a kind that is known or told by its ends of words."""
    stored = _read_json(path.read_bytes(), path)
    model = stored.get("model")
    if not isinstance(model, dict) or model.get("type", "BPE") != "BPE":
        raise _damaged(path, "it holds no BPE model")
    vocab, merges = _checked_vocab(model.get("vocab"), path), _checked_merges(model.get("merges"), path)
    kind = kind or ("gpt1" if model.get("end_of_word_suffix") else "gpt2")
    require_known_steps(stored, kind, path)
    return _Stored(kind, vocab, merges, _checked_list(stored.get("added_tokens"), path), path)


def _in_several_files(folder: Path, kind: str | None, numbered: list[dict[str, Any]]) -> _Stored:
    """``vocab.json``, ``merges.txt`` and, of ``transformers`` before 5, ``added_tokens.json``.

    Which of the added tokens are special stands in ``numbered``, the settings beside them.
    """
    vocab = _read_vocab((folder / "vocab.json").read_bytes(), folder / "vocab.json")
    merges = _read_merges((folder / "merges.txt").read_bytes(), folder / "merges.txt")
    ends_words = UNKNOWN in vocab and any(token.endswith(END_OF_WORD) for token in vocab)
    path = folder / "added_tokens.json"
    names = _read_vocab(path.read_bytes(), path) if path.is_file() else {}
    known = {token.get("content") for token in numbered if token.get("special")}
    added = [{"content": name, "id": number, "special": name in known} for name, number in names.items()]
    return _Stored(kind or ("gpt1" if ends_words else "gpt2"), vocab, merges, added, path)


def _stated_kind(path: Path) -> tuple[str, Any] | None:
    """Kind and digest in the file that `Tokenizer.save` leaves, if there is one."""
    if not path.is_file():
        return None
    stated = _read_json(path.read_bytes(), path)
    name = stated.get("kind")
    if not isinstance(name, str) or name not in KINDS:
        raise GptreproError(
            f"{path} names the unknown tokenizer kind {name!r}: known are {', '.join(KINDS)}."
        )
    return name, stated.get("digest")


def load_published_gpt1(encoder: Path, merges: Path) -> Gpt1Tokenizer:
    """GPT-1's released vocabulary: 40,478 tokens, 40,000 merges.

    Args:
        encoder: ``encoder_bpe_40000.json``.
        merges: ``vocab_40000.bpe``.

    Raises:
        GptreproError: a file is missing or is not the released one (SHA-256).
    """
    contents = [_verified(path, digest) for path, digest in zip((encoder, merges), GPT1_SHA256, strict=True)]
    return Gpt1Tokenizer(_read_vocab(contents[0], encoder), _read_merges(contents[1], merges))


def load_published_gpt2(encoder_json: Path, vocab_bpe: Path) -> ByteLevelTokenizer:
    """GPT-2's released vocabulary, which GPT-3 shares: 50,257 tokens, 50,000 merges.

    Args:
        encoder_json: ``encoder.json``.
        vocab_bpe: ``vocab.bpe``, which holds the merges.

    Raises:
        GptreproError: a file is missing or is not the released one (SHA-256).
    """
    paths = (encoder_json, vocab_bpe)
    contents = [_verified(path, digest) for path, digest in zip(paths, GPT2_SHA256, strict=True)]
    return ByteLevelTokenizer(_read_vocab(contents[0], encoder_json), _read_merges(contents[1], vocab_bpe))


def _verified(path: Path, sha256: str) -> bytes:
    if not path.is_file():
        raise GptreproError(f"The published vocabulary file {path} does not exist: fetch it first.")
    content = path.read_bytes()
    found = hashlib.sha256(content).hexdigest()
    if found != sha256:
        raise GptreproError(
            f"{path} is not the published file (SHA-256 {found[:12]}…, expected {sha256[:12]}…): "
            "fetch it again."
        )
    return content


def _damaged(path: Path, reason: str) -> GptreproError:
    return GptreproError(f"{path} is damaged ({reason}): restore it or train the tokenizer again.")


def _read_json(content: bytes, path: Path) -> dict[str, Any]:
    try:
        value = json.loads(content)
    except ValueError as error:
        raise _damaged(path, "not valid JSON") from error
    if not isinstance(value, dict):
        raise _damaged(path, "not a JSON object")
    return value


def _read_vocab(content: bytes, path: Path) -> dict[str, int]:
    return _checked_vocab(_read_json(content, path), path)


def _checked_vocab(value: Any, path: Path) -> dict[str, int]:
    if not isinstance(value, dict) or not all(type(token_id) is int for token_id in value.values()):
        raise _damaged(path, "its vocabulary does not map tokens to ids")
    return value


def _read_merges(content: bytes, path: Path) -> list[tuple[str, str]]:
    """Merges of a ``merges.txt``: a version line, then two tokens a line."""
    try:
        lines = content.decode().split("\n")
    except UnicodeDecodeError as error:
        raise _damaged(path, "not UTF-8") from error
    if lines[0].startswith("#version"):
        del lines[0]
    return _checked_merges([line.rstrip("\r").split(" ") for line in lines if line.strip()], path)


def _checked_merges(value: Any, path: Path) -> list[tuple[str, str]]:
    """Merges as pairs; older ``tokenizer.json`` files join the two tokens with a space."""
    merges: list[tuple[str, str]] = []
    for merge in value if isinstance(value, list) else [None]:
        pair = merge.split(" ") if isinstance(merge, str) else merge
        if not (isinstance(pair, list) and len(pair) == 2 and all(isinstance(token, str) for token in pair)):
            raise _damaged(path, "its merges are not pairs of tokens")
        merges.append((pair[0], pair[1]))
    return merges


def _numbered(value: Any, path: Path) -> list[dict[str, Any]]:
    """Added tokens in the form of ``tokenizer.json``, of a mapping from their ids."""
    if not isinstance(value, dict | None) or not all(
        isinstance(token, dict) for token in (value or {}).values()
    ):
        raise _damaged(path, "its added tokens are no mapping")
    return [
        token | {"id": int(number) if number.isdecimal() else None} for number, token in (value or {}).items()
    ]


def _checked_list(value: Any, path: Path) -> list[Any]:
    if not isinstance(value, list | None):
        raise _damaged(path, "its added tokens are no list")
    return value or []
