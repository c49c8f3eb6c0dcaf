"""Tokenizers survive the disk, and damaged ones are refused in one sentence."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import tokenizers
from transformers import GPT2TokenizerFast

from gptrepro.errors import GptreproError
from gptrepro.tokenizer import (
    ByteLevelTokenizer,
    Gpt1Tokenizer,
    Tokenizer,
    load_published_gpt1,
    load_published_gpt2,
    load_tokenizer,
)

TEXT = "“Don't meet again,” she said…\n\nThe café — naïve witch 中."


@pytest.fixture(params=["small_gpt1", "small_gpt2"])
def tokenizer(request: pytest.FixtureRequest) -> Tokenizer:
    loaded: Tokenizer = request.getfixturevalue(request.param)
    return loaded


def test_save_and_load_give_the_same_tokenizer(tokenizer: Tokenizer, tmp_path: Path) -> None:
    tokenizer.save(tmp_path / "new" / "folder")
    again = load_tokenizer(tmp_path / "new" / "folder")
    assert type(again) is type(tokenizer)
    assert again.digest == tokenizer.digest and len(again.digest) == 64
    assert (again.n_vocab, again.end_of_text) == (tokenizer.n_vocab, tokenizer.end_of_text)
    assert again.encode(TEXT) == tokenizer.encode(TEXT)
    assert again.decode(again.encode(TEXT)) == tokenizer.decode(tokenizer.encode(TEXT))


def test_saving_leaves_the_other_files_of_a_checkpoint_alone(
    small_gpt2: ByteLevelTokenizer, tmp_path: Path
) -> None:
    (tmp_path / "config.json").write_text("{}")
    small_gpt2.save(tmp_path)
    small_gpt2.save(tmp_path)
    assert (tmp_path / "config.json").read_text() == "{}"


def test_the_digest_is_that_of_content_and_kind(
    small_gpt1: Gpt1Tokenizer, small_gpt2: ByteLevelTokenizer
) -> None:
    fewer = ByteLevelTokenizer(small_gpt2.vocab, small_gpt2.merges[:-1])
    same = ByteLevelTokenizer(dict(reversed(small_gpt2.vocab.items())), small_gpt2.merges)
    assert len({small_gpt1.digest, small_gpt2.digest, fewer.digest}) == 3
    assert same.digest == small_gpt2.digest


def test_tokenizer_json_is_the_standard_one(tokenizer: Tokenizer, tmp_path: Path) -> None:
    tokenizer.save(tmp_path)
    standard = tokenizers.Tokenizer.from_file(str(tmp_path / "tokenizer.json"))
    words = "when shall we three meet again ?"
    assert standard.encode(words, add_special_tokens=False).ids == tokenizer.encode(words)


def test_a_folder_of_transformers_loads(small_gpt2: ByteLevelTokenizer, tmp_path: Path) -> None:
    small_gpt2.save(tmp_path / "ours")
    GPT2TokenizerFast.from_pretrained(tmp_path / "ours").save_pretrained(tmp_path / "theirs")
    assert load_tokenizer(tmp_path / "theirs").digest == small_gpt2.digest


def test_vocabulary_and_merges_are_enough(tokenizer: Tokenizer, tmp_path: Path) -> None:
    tokenizer.save(tmp_path)
    for name in ("tokenizer.json", "gptrepro_tokenizer.json", "tokenizer_config.json"):
        (tmp_path / name).unlink()
    again = load_tokenizer(tmp_path)
    assert type(again) is type(tokenizer)
    assert again.digest == tokenizer.digest


def test_merges_of_older_files_are_read(small_gpt2: ByteLevelTokenizer, tmp_path: Path) -> None:
    small_gpt2.save(tmp_path)
    stored = json.loads((tmp_path / "tokenizer.json").read_text())
    stored["model"]["merges"] = [" ".join(merge) for merge in stored["model"]["merges"]]
    (tmp_path / "tokenizer.json").write_text(json.dumps(stored))
    assert load_tokenizer(tmp_path).digest == small_gpt2.digest


def _edit(folder: Path, name: str, path: list[str], value: object) -> None:
    stored = json.loads((folder / name).read_text())
    place = stored
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    (folder / name).write_text(json.dumps(stored))


@pytest.mark.parametrize(
    ("name", "path", "value", "sentence"),
    [
        ("tokenizer.json", ["model"], None, "no BPE model"),
        ("tokenizer.json", ["model", "type"], "WordPiece", "no BPE model"),
        ("tokenizer.json", ["model", "vocab"], ["a"], "does not map tokens to ids"),
        ("tokenizer.json", ["model", "vocab"], {"a": "0"}, "does not map tokens to ids"),
        ("tokenizer.json", ["model", "vocab", "!"], 7, "each once"),
        ("tokenizer.json", ["model", "merges"], "a b", "not pairs of tokens"),
        ("tokenizer.json", ["model", "merges"], [["a", 1]], "not pairs of tokens"),
        ("tokenizer.json", ["model", "merges"], [["zzz", "q"]], "not in the vocabulary"),
        ("tokenizer.json", ["model", "merges"], [], "digest differs"),
        ("tokenizer.json", ["model", "vocab"], {"a": 0}, "255 are missing"),
        ("tokenizer.json", ["added_tokens"], [3], "added tokens"),
        ("tokenizer.json", ["added_tokens"], 3, "added tokens"),
        ("gptrepro_tokenizer.json", ["kind"], "gpt4", "unknown tokenizer kind 'gpt4'"),
        ("gptrepro_tokenizer.json", ["kind"], ["gpt1"], "unknown tokenizer kind"),
        ("gptrepro_tokenizer.json", ["digest"], "0" * 64, "digest differs"),
    ],
)
def test_damaged_content_is_refused(
    small_gpt2: ByteLevelTokenizer, tmp_path: Path, name: str, path: list[str], value: object, sentence: str
) -> None:
    small_gpt2.save(tmp_path)
    _edit(tmp_path, name, path, value)
    with pytest.raises(GptreproError, match=sentence):
        load_tokenizer(tmp_path)


@pytest.mark.parametrize("name", ["tokenizer.json", "gptrepro_tokenizer.json"])
@pytest.mark.parametrize("content", [b"", b"{", b"[1]", b"\xff\xfe"])
def test_a_truncated_or_foreign_file_is_refused(
    small_gpt1: Gpt1Tokenizer, tmp_path: Path, name: str, content: bytes
) -> None:
    small_gpt1.save(tmp_path)
    (tmp_path / name).write_bytes(content)
    with pytest.raises(GptreproError, match=f"{name} is damaged"):
        load_tokenizer(tmp_path)


def test_a_folder_without_a_tokenizer_is_named(tmp_path: Path) -> None:
    with pytest.raises(GptreproError, match="no tokenizer in"):
        load_tokenizer(tmp_path)


def test_a_vocabulary_without_the_alphabet_is_refused() -> None:
    with pytest.raises(GptreproError, match="254 are missing"):
        ByteLevelTokenizer({"a": 0, "b": 1}, [])
    with pytest.raises(GptreproError, match="<unk>"):
        Gpt1Tokenizer({"a": 0, "a</w>": 1}, [])


@pytest.mark.parametrize("load", [load_published_gpt1, load_published_gpt2])
def test_other_bytes_than_the_published_are_refused(load: object, tmp_path: Path) -> None:
    assert callable(load)
    with pytest.raises(GptreproError, match="does not exist"):
        load(tmp_path / "a.json", tmp_path / "b.bpe")
    (tmp_path / "a.json").write_text("{}")
    with pytest.raises(GptreproError, match="not the published file"):
        load(tmp_path / "a.json", tmp_path / "b.bpe")


@pytest.mark.mirror
def test_published_tokenizers_survive_the_disk(
    published_gpt1: Gpt1Tokenizer, published_gpt2: ByteLevelTokenizer, tmp_path: Path
) -> None:
    for tokenizer in (published_gpt1, published_gpt2):
        tokenizer.save(tmp_path / tokenizer.kind)
        assert load_tokenizer(tmp_path / tokenizer.kind).encode(TEXT) == tokenizer.encode(TEXT)
