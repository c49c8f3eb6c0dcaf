"""Files appear whole or not at all, and only under the home."""

from __future__ import annotations

import errno
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from gptrepro import storage
from gptrepro.errors import GptreproError
from tests.killed import killed_while


def test_a_file_appears_whole(tmp_path: Path):
    path = tmp_path / "deep" / "file.txt"
    storage.write_text(path, "first\n")
    storage.write_text(path, "second\n")
    assert path.read_bytes() == b"second\n"
    assert [p.name for p in path.parent.iterdir()] == ["file.txt"]


def test_an_interrupted_write_leaves_the_old_file_and_nothing_else(tmp_path: Path):
    path = tmp_path / "file.txt"
    storage.write_text(path, "old")
    with pytest.raises(KeyboardInterrupt), storage.atomic_file(path) as temporary:
        temporary.write_text("half")
        raise KeyboardInterrupt
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_appears_whole_and_replaces_the_old_one(tmp_path: Path):
    path = tmp_path / "folder"
    for content in ("first", "second"):
        with storage.atomic_folder(path) as temporary:
            (temporary / content).write_text(content)
    assert [p.name for p in path.iterdir()] == ["second"]
    with pytest.raises(RuntimeError), storage.atomic_folder(path) as temporary:
        (temporary / "third").write_text("half")
        raise RuntimeError
    assert [p.name for p in path.iterdir()] == ["second"]
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("number", "sentence"), [(errno.ENOSPC, "disk is full"), (errno.EACCES, "permission denied")]
)
def test_a_refused_write_is_one_sentence(tmp_path: Path, monkeypatch, number, sentence):
    def refuse(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", refuse)
    with pytest.raises(GptreproError, match=sentence):
        storage.write_text(tmp_path / "file.txt", "text")
    assert list(tmp_path.iterdir()) == []


def test_home_follows_the_environment(tmp_path: Path, monkeypatch):
    monkeypatch.setenv("GPTREPRO_HOME", str(tmp_path / "here"))
    assert storage.home() == tmp_path / "here"
    monkeypatch.delenv("GPTREPRO_HOME")
    assert storage.home().name == "gptrepro"


def test_only_folders_below_the_home_are_removed(tmp_path: Path, monkeypatch):
    monkeypatch.setenv("GPTREPRO_HOME", str(tmp_path / "home"))
    inside, outside = tmp_path / "home" / "run", tmp_path / "elsewhere"
    inside.mkdir(parents=True)
    outside.mkdir()
    storage.remove_folder(inside)
    assert not inside.exists()
    for refused in (outside, tmp_path / "home", tmp_path / "home" / ".." / "elsewhere"):
        with pytest.raises(GptreproError, match="outside"):
            storage.remove_folder(refused)
    assert outside.exists()


def test_a_folder_has_one_holder_at_a_time(tmp_path: Path):
    folder = tmp_path / "made" / "on the way"

    def again() -> None:
        with (
            pytest.raises(GptreproError, match="somebody is here"),
            storage.sole_holder(folder, "somebody is here"),
        ):
            pass

    with storage.sole_holder(folder, "somebody is here") as held:
        assert held
        again()
        with ThreadPoolExecutor(1) as pool:  # nor by another thread
            pool.submit(again).result()
    with pytest.raises(KeyError), storage.sole_holder(folder, ""):
        raise KeyError  # what goes wrong inside comes out as it is, and lets go
    with storage.sole_holder(folder, "") as held:
        assert held


def test_a_killed_holder_has_let_go(tmp_path: Path):
    killed_while(
        "with storage.sole_holder(Path('held'), ''):\n    print('ready', flush=True); input()", tmp_path
    )
    with storage.sole_holder(tmp_path / "held", "somebody is here") as held:
        assert held


def test_a_folder_that_cannot_be_made_is_not_held(tmp_path: Path):
    (tmp_path / "file").write_text("")
    with storage.sole_holder(tmp_path / "file" / "folder", "") as held:
        assert not held
    with pytest.raises(GptreproError, match="a file stands in its place or above: remove the file"):
        storage.write_text(tmp_path / "file" / "folder" / "text", "")


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (None, "There is no list of sizes at .*sizes.json: make it again"),
        ("", "sizes.json cannot be read .it is a folder.: make it again"),
        (b"[1, \xff]", "sizes.json is not UTF-8 text .byte 4.: make it again"),
        (b"[1, ", "sizes.json is not valid JSON .*: make it again"),
        (b"[" * 10_000, "sizes.json is not valid JSON .*: make it again"),
        (b'{"size": 1}', "sizes.json is not a list of sizes .*valid array.*: make it again"),
        (b'[1, "2"]', "sizes.json is not a list of sizes .1: .*integer.*: make it again"),
    ],
)
def test_a_json_file_that_will_not_do_is_one_sentence(tmp_path: Path, content, sentence):
    path = tmp_path / "sizes.json"
    if content == "":
        path.mkdir()
    elif content is not None:
        path.write_bytes(content)
    with pytest.raises(GptreproError, match=sentence) as raised:
        storage.read_json(path, list[int], "list of sizes", "make it again")
    assert "\n" not in str(raised.value)


def test_a_json_file_is_read_as_its_schema(tmp_path: Path):
    path = tmp_path / "sizes.json"
    path.write_text('{"a": [1, 2.5, null, "é"]}', encoding="utf-8")
    assert storage.read_json(path, dict[str, list[object]]) == {"a": [1, 2.5, None, "é"]}


def test_a_byte_order_mark_is_no_part_of_a_text(tmp_path: Path):
    path = tmp_path / "notepad.json"
    path.write_bytes(b"\xef\xbb\xbf[1, 2]\n\n[3]")
    assert storage.read_text(path).startswith("[1")
    assert storage.read_json_lines(path, list[int], "lists", "list", "") == [[1, 2], [3]]
    path.write_bytes(b"\xef\xbb\xbfa: 1")
    assert storage.read_yaml(path) == {"a": 1}


@pytest.mark.parametrize("line", [b"[1", b"[" * 50_000, b'["a"]', b"null"])
def test_a_line_that_will_not_do_is_named(tmp_path: Path, line: bytes):
    path = tmp_path / "rows.jsonl"
    path.write_bytes(b"[1]\n\n" + line + b"\n")
    with pytest.raises(GptreproError, match=r"^Line 3 of .* is not (valid JSON|a row) .*: mend it\.$"):
        storage.read_json_lines(path, list[int], "rows", "row", "mend it")


def test_content_is_that_of_a_file(tmp_path: Path):
    path = tmp_path / "a"
    assert not storage.holds(path, storage.sha256_text(""))
    path.mkdir()
    assert not storage.holds(path, storage.sha256_text(""))
    with pytest.raises(GptreproError, match="a folder stands in its place: remove it"):
        storage.write_text(path, "")
    path.rmdir()
    storage.write_text(path, "")
    assert storage.holds(path, storage.sha256_text("")) and not storage.holds(path, storage.sha256_text("b"))


def test_canonical_json_does_not_depend_on_order():
    assert storage.canonical_json({"b": 1, "a": [1.5, "é"]}) == '{"a":[1.5,"é"],"b":1}'
    with pytest.raises(ValueError):
        storage.canonical_json({"a": float("nan")})
    assert storage.sha256_text("") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


def test_a_remembered_value_is_computed_once(tmp_path: Path):
    calls = []
    for _ in range(2):
        value = storage.remembered(tmp_path / "a" / "b.json", lambda: calls.append(1) or {"score": 1.5})
        assert value == {"score": 1.5}
    assert len(calls) == 1


def test_a_checkout_is_needed(monkeypatch, tmp_path: Path):
    monkeypatch.setattr(storage, "__file__", str(tmp_path / "gptrepro" / "storage.py"))
    with pytest.raises(GptreproError, match="needs the checkout"):
        storage.project_root()


def test_whoever_reads_a_file_while_it_is_replaced_reads_the_old_one(tmp_path: Path):
    path = tmp_path / "a.txt"
    storage.write_text(path, "old")
    with path.open() as reader:
        storage.write_text(path, "new")
        assert reader.read() == "old"
    assert path.read_text() == "new"
