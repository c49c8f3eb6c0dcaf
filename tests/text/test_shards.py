"""Token shards: exact, cached by identity, verified, and never half-written."""

from __future__ import annotations

import errno
import json
import os
import tracemalloc
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

from gptrepro import storage
from gptrepro.errors import GptreproError
from gptrepro.text.shards import TokenShards, shards_digest, write_shards
from tests.killed import killed_while

DOCUMENTS = ("The first document, of some length.", "Zweites, mit Überraschung: é", "3")


@dataclass
class Bytes:
    """A tokenizer whose tokens are bytes."""

    n_vocab: int = 257
    end_of_text: int | None = 256
    digest: str = "b" * 64
    reading: int = 1
    calls: list[str] = field(default_factory=list)

    def encode_parts(self, text: str) -> Iterator[tuple[str, list[int]]]:
        self.calls.append(text)
        yield text, list(text.encode())


@dataclass
class Text:
    texts: tuple[str, ...] = DOCUMENTS
    name: str = "shelf/tiny"
    split: str = "train"
    tier: str = "mirror"
    digest: str = "c" * 64
    n_bytes: int = 100

    def documents(self) -> Iterator[str]:
        yield from self.texts


def test_tokens_documents_and_counts(tmp_path: Path) -> None:
    shards = write_shards(Text(), Bytes(), tmp_path)
    expected = [token for text in DOCUMENTS for token in [*text.encode(), 256]]
    assert shards.tokens.tolist() == expected
    assert shards.tokens.dtype == np.uint16
    starts = [0, len(DOCUMENTS[0].encode()) + 1]
    assert shards.document_starts.tolist() == [*starts, starts[-1] + len(DOCUMENTS[1].encode()) + 1]
    assert shards.n_tokens == len(expected)
    assert shards.n_bytes == sum(len(text.encode()) for text in DOCUMENTS)
    assert shards.n_words == 6 + 4 + 1
    assert shards.folder.parent == tmp_path


def test_a_tokenizer_without_end_of_text_adds_nothing(tmp_path: Path) -> None:
    shards = write_shards(Text(), Bytes(end_of_text=None), tmp_path)
    assert bytes(shards.tokens.tolist()) == "".join(DOCUMENTS).encode()


def test_a_large_vocabulary_needs_four_bytes(tmp_path: Path) -> None:
    assert write_shards(Text(), Bytes(n_vocab=65_536), tmp_path).tokens.dtype == np.uint16
    assert write_shards(Text(), Bytes(n_vocab=65_537, digest="d" * 64), tmp_path).tokens.dtype == np.uint32


def test_written_once_for_the_same_identity(tmp_path: Path) -> None:
    tokenizer = Bytes()
    first = write_shards(Text(), tokenizer, tmp_path)
    again = write_shards(Text(), tokenizer, tmp_path)
    assert tokenizer.calls == list(DOCUMENTS)
    assert again.digest == first.digest == shards_digest(Text(), tokenizer)
    others = [
        write_shards(Text(digest="e" * 64), tokenizer, tmp_path),
        write_shards(Text(), Bytes(digest="f" * 64), tmp_path),
        write_shards(Text(), Bytes(reading=2), tmp_path),
        write_shards(Text(), tokenizer, tmp_path, limit_tokens=20),
    ]
    assert len({shards.digest for shards in [first, *others]}) == 5
    assert len({shards.folder for shards in [first, *others]}) == 5


@pytest.mark.parametrize("limit", [1, 4, 5, 20, 40, 70])
def test_a_limit_cuts_before_whitespace_and_counts_what_is_left(tmp_path: Path, limit: int) -> None:
    texts = ("four five sixes " * 3, "one two")
    if limit < 4:
        with pytest.raises(GptreproError, match="no tokens"):
            write_shards(Text(texts), Bytes(), tmp_path, limit_tokens=limit)
        return
    shards = write_shards(Text(texts), Bytes(), tmp_path, limit_tokens=limit)
    text = bytes(token for token in shards.tokens.tolist() if token < 256)
    assert shards.n_tokens <= limit
    assert shards.n_bytes == len(text)
    full = "".join(texts)
    assert full.startswith(text.decode())
    if shards.n_tokens < limit - 1:  # nothing is left out that would have fitted
        rest = full[len(text) :]
        assert not rest or limit - shards.n_tokens <= len(rest.split()[0]) + 2


def test_an_empty_text_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(GptreproError, match="gave no tokens"):
        write_shards(Text(()), Bytes(), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_an_error_in_the_middle_leaves_nothing(tmp_path: Path) -> None:
    class Broken(Text):
        def documents(self) -> Iterator[str]:
            yield "fine"
            raise GptreproError("The file b.txt is damaged.")

    with pytest.raises(GptreproError, match="damaged"):
        write_shards(Broken(), Bytes(), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("gptrepro.storage.os.fsync", full)
    with pytest.raises(GptreproError, match="disk is full"):
        write_shards(Text(), Bytes(), tmp_path)
    assert list(tmp_path.iterdir()) == []


def truncate(folder: Path) -> None:
    path = folder / "tokens.bin"
    path.write_bytes(path.read_bytes()[:-1])


def remove(folder: Path) -> None:
    (folder / "documents.bin").unlink()


def garble(folder: Path) -> None:
    (folder / "index.json").write_text("{")


def misstate(folder: Path) -> None:
    index = json.loads((folder / "index.json").read_text())
    (folder / "index.json").write_text(json.dumps(index | {"dtype": "object"}))


def age(folder: Path) -> None:
    index = json.loads((folder / "index.json").read_text())
    (folder / "index.json").write_text(json.dumps(index | {"format": 0}))


def zero(folder: Path) -> None:
    path = folder / "tokens.bin"
    path.write_bytes(bytes(path.stat().st_size))


def change_a_token(folder: Path) -> None:
    payload = bytearray((folder / "tokens.bin").read_bytes())
    payload[6] ^= 1
    (folder / "tokens.bin").write_bytes(payload)


@pytest.mark.parametrize("damage", [truncate, remove, garble, misstate, age, zero, change_a_token])
def test_damage_is_one_sentence_and_is_repaired_by_writing_again(tmp_path: Path, damage: object) -> None:
    written = write_shards(Text(), Bytes(), tmp_path)
    folder, tokens = written.folder, written.tokens.tolist()
    assert callable(damage)
    damage(folder)
    with pytest.raises(GptreproError, match=r"cannot be used .* delete that folder"):
        TokenShards.open(folder)
    repaired = write_shards(Text(), Bytes(), tmp_path)
    assert repaired.folder == folder
    assert TokenShards.open(folder).tokens.tolist() == tokens


def test_a_long_document_costs_its_parts_alone(tmp_path: Path) -> None:
    class Long(Bytes):
        def encode_parts(self, text: str) -> Iterator[tuple[str, list[int]]]:
            for start in range(0, len(text), 50_000):
                part = text[start : start + 50_000]
                yield part, list(part.encode())

    text = "word " * 400_000
    tracemalloc.start()
    shards = write_shards(Text((text,)), Long(), tmp_path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < len(text)  # of ids and words it would be 8 to 60 times as much
    assert (shards.n_tokens, shards.n_bytes, shards.n_words) == (len(text) + 1, len(text), 400_000)
    assert shards.document_starts.tolist() == [0]


def sign(folder: Path, **changes: object) -> None:
    """Change the index and give it the sha256 of what lies there."""
    index = json.loads((folder / "index.json").read_text())
    tokens = storage.sha256_file(folder / "tokens.bin")
    (folder / "index.json").write_text(json.dumps(index | {"tokens_sha256": tokens} | changes))


def fill_with_ones(folder: Path) -> None:
    path = folder / "tokens.bin"
    path.write_bytes(b"\xff" * path.stat().st_size)
    sign(folder)


def exchange(folder: Path) -> None:
    sign(folder, digest="0" * 64)


@pytest.mark.parametrize("forge", [fill_with_ones, exchange])
def test_what_is_whole_but_of_another_text_or_vocabulary_is_written_again(
    tmp_path: Path, forge: Callable[[Path], None]
) -> None:
    written = write_shards(Text(), Bytes(), tmp_path)
    tokens = written.tokens.tolist()
    forge(written.folder)
    assert write_shards(Text(), Bytes(), tmp_path).tokens.tolist() == tokens


def test_what_killed_encoders_left_is_swept_though_nothing_is_written(tmp_path: Path) -> None:
    write_shards(Text(), Bytes(), tmp_path)
    killed_while(
        "with storage.atomic_folder(Path('tiny')):\n    print('ready', flush=True); input()", tmp_path
    )
    (left,) = tmp_path.glob(".tiny*")
    os.utime(left, (0, 0))
    write_shards(Text(), Bytes(), tmp_path)
    assert not left.exists()


def test_a_missing_folder_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(GptreproError, match="cannot be used"):
        TokenShards.open(tmp_path / "none")
