"""The catalogue is valid, and a wrong name or a wrong file is one sentence."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from gptrepro import storage
from gptrepro.errors import GptreproError
from gptrepro.sources.catalogue import catalogue, read_catalogue
from gptrepro.sources.tiers import SourceFile, open_files

HASH = "0" * 64
HUB = {"id": "some/set", "config": "default", "split": "train"}
MINIMAL = {"origin_url": "x", "packages": {}, "corpora": {}, "assets": {}}


def corpus(**changes: object) -> dict[str, object]:
    part = {"mirror": "{name}.txt", "files": {"a": HASH}}
    entry = {
        "title": "T",
        "licence": "none",
        "paper": "none",
        "format": "text",
        "style": "prose",
        "splits": {"train": {"bytes": 1, "parts": [part]}},
    }
    return entry | changes


def write(path: Path, corpora: dict[str, object]) -> Path:
    path.write_text(yaml.safe_dump(MINIMAL | {"corpora": corpora}), encoding="utf-8")
    return path


def test_every_corpus_of_the_plan_is_there() -> None:
    names = set(catalogue().corpora)
    assert {"books", "plays", "webtext", "wikitext-2", "ptb", "lambada", "one-billion-word"} <= names
    domains = [name for name in names if name.startswith("webtext/")]
    assert len(domains) == 10
    assert set(catalogue().corpora["webtext"].members) == set(domains)
    assert set(catalogue().splits("webtext")) == {"train", "heldout"}


def test_the_novels_are_112_files_each_with_an_origin() -> None:
    splits = catalogue().splits("books")
    counts = {name: sum(len(part.files) for part in split.parts) for name, split in splits.items()}
    assert counts == {"train": 106, "heldout": 6}
    assert all(split.tiers() == ("mirror", "origin") for split in splits.values())


@pytest.mark.parametrize("name", ["books", "plays", "webtext"])
def test_held_out_files_are_not_trained_on(name: str) -> None:
    files = {
        split: {sha256 for part in entry.parts for sha256 in part.files.values()}
        for split, entry in catalogue().splits(name).items()
    }
    assert not files["train"] & files["heldout"]


def test_no_package_index_is_named() -> None:
    text = (storage.project_root() / "data" / "sources.yml").read_text(encoding="utf-8")
    assert set(re.findall(r"https?://([^/]+)", text)) == {"raw.githubusercontent.com"}


def test_joined_split_is_the_sum_of_its_members() -> None:
    members = [catalogue().split(name, "train") for name in catalogue().corpora["webtext"].members]
    joined = catalogue().split("webtext", "train")
    assert joined.bytes == sum(split.bytes for split in members)
    assert sum(len(part.files) for part in joined.parts) == 10


def test_an_unknown_name_lists_close_ones() -> None:
    with pytest.raises(GptreproError, match=r"no text called 'book': did you mean books"):
        catalogue().corpus("book")
    with pytest.raises(GptreproError, match=r"data list"):
        catalogue().corpus("qqqqqq")
    with pytest.raises(GptreproError, match=r"no split of plays called 'test': it has train, heldout"):
        catalogue().split("plays", "test")


@pytest.mark.parametrize(
    ("entry", "complaint"),
    [
        (corpus(licens="x"), "licens"),
        (
            {k: v for k, v in corpus().items() if k != "licence"},
            r"corpora\.c\.licence is missing, fill it in",
        ),
        (corpus(licence=""), r"corpora\.c\.licence is missing, fill it in"),
        (corpus(splits={"train": {"bytes": 1, "parts": [{"files": {"a": HASH}}]}}), "one tier that all"),
        (corpus(splits={"train": {"bytes": 1}}), "needs parts or a hub"),
        (corpus(splits={}), "either splits or members"),
        (corpus(style="poetry"), "style"),
        (
            corpus(splits={"train": {"bytes": 1, "hub": HUB}}, format="rows"),
            "column is a mapping for the format rows",
        ),
        (
            corpus(splits={"train": {"bytes": 1, "hub": HUB | {"column": {"text": "t"}}}}),
            "column is a mapping for the format rows",
        ),
        (
            corpus(splits={"train": {"bytes": 1, "parts": [{"mirror": "x", "files": {"a": "12"}}]}}),
            "pattern",
        ),
        (
            corpus(
                splits={
                    "train": {
                        "bytes": 1,
                        "parts": [{"package": {"name": "p", "path": "x"}, "files": {"a": HASH}}],
                    }
                }
            ),
            "no package p",
        ),
    ],
)
def test_a_wrong_catalogue_is_refused(tmp_path: Path, entry: dict[str, object], complaint: str) -> None:
    with pytest.raises(GptreproError, match=complaint) as caught:
        read_catalogue(write(tmp_path / "sources.yml", {"c": entry}))
    assert "\n" not in str(caught.value)


def test_a_missing_catalogue_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(GptreproError, match="cannot be read"):
        read_catalogue(tmp_path / "none.yml")


@pytest.mark.mirror
def test_every_mirrored_file_has_the_pinned_content(mirror: Path) -> None:
    def files() -> list[SourceFile]:
        entries = [split for name in catalogue().corpora for split in catalogue().splits(name).values()]
        parts = tuple(part for entry in entries for part in entry.parts if part.mirror)
        parts += tuple(part for asset in catalogue().assets.values() for part in asset.parts if part.mirror)
        return open_files("mirror", parts)

    for file in files():
        file.read()
