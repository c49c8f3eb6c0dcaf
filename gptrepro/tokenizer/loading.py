"""Tokenizers from disk: our own folders, those of ``transformers``, and the published files."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from gptrepro.errors import GptreproError
from gptrepro.tokenizer.base import KIND_FILE, Tokenizer
from gptrepro.tokenizer.byte_level import ByteLevelTokenizer
from gptrepro.tokenizer.gpt1 import END_OF_WORD, Gpt1Tokenizer

KINDS: dict[str, type[ByteLevelTokenizer] | type[Gpt1Tokenizer]] = {
    kind.kind: kind for kind in (ByteLevelTokenizer, Gpt1Tokenizer)
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

    Vocabulary and merges come from ``tokenizer.json``, else from ``vocab.json`` and ``merges.txt``; the
    steps around them are ours (``transformers`` 5 splits GPT-1's words by BERT's rules, not spaCy's).

    Raises:
        GptreproError: a file is missing, damaged or of an unknown kind.
    """
    if (folder / "tokenizer.json").is_file():
        vocab, merges = _read_tokenizer_json(folder / "tokenizer.json")
    elif (folder / "vocab.json").is_file() and (folder / "merges.txt").is_file():
        vocab = _read_vocab((folder / "vocab.json").read_bytes(), folder / "vocab.json")
        merges = _read_merges((folder / "merges.txt").read_bytes(), folder / "merges.txt")
    else:
        raise GptreproError(
            f"There is no tokenizer in {folder}: it needs tokenizer.json, or vocab.json and merges.txt."
        )
    if not (folder / KIND_FILE).is_file():
        kind = "gpt1" if any(token.endswith(END_OF_WORD) for token in vocab) else "gpt2"
        return KINDS[kind](vocab, merges)
    stated = _read_json((folder / KIND_FILE).read_bytes(), folder / KIND_FILE)
    name = stated.get("kind")
    if not isinstance(name, str) or name not in KINDS:
        raise GptreproError(
            f"{folder / KIND_FILE} names the unknown tokenizer kind {name!r}: known are {', '.join(KINDS)}."
        )
    tokenizer = KINDS[name](vocab, merges)
    if tokenizer.digest != stated.get("digest"):
        raise GptreproError(
            f"The tokenizer in {folder} is not the one that was saved there (its digest differs): "
            "restore the folder or train the tokenizer again."
        )
    return tokenizer


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


def _read_tokenizer_json(path: Path) -> tuple[dict[str, int], list[tuple[str, str]]]:
    stored = _read_json(path.read_bytes(), path)
    model = stored.get("model")
    if not isinstance(model, dict) or model.get("type", "BPE") != "BPE":
        raise _damaged(path, "it holds no BPE model")
    vocab = _checked_vocab(model.get("vocab"), path)
    try:
        for added in stored.get("added_tokens") or []:
            vocab.setdefault(added["content"], added["id"])
    except (KeyError, TypeError) as error:
        raise _damaged(path, "its added tokens do not each have content and id") from error
    return _checked_vocab(vocab, path), _checked_merges(model.get("merges"), path)
