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
MINIMAL = {
    "addresses": {"origin": "x", "release": "x"},
    "releases": {},
    "packages": {},
    "corpora": {},
    "assets": {},
}


def corpus(**changes: object) -> dict[str, object]:
    file_set = {"mirror": "{name}.txt", "files": {"a": HASH}}
    entry = {
        "title": "T",
        "licence": "none",
        "paper": "none",
        "format": "text",
        "style": "prose",
        "splits": {"train": {"bytes": 1, "file_sets": [file_set]}},
    }
    return entry | changes


def write(folder: Path, corpora: dict[str, object]) -> Path:
    (folder / "all.yml").write_text(yaml.safe_dump(MINIMAL | {"corpora": corpora}), encoding="utf-8")
    return folder


def test_every_corpus_of_the_plan_is_there() -> None:
    names = set(catalogue().corpora)
    assert {"books", "plays", "webtext", "wikitext-2", "ptb", "lambada", "one-billion-word"} <= names
    domains = [name for name in names if name.startswith("webtext/")]
    not_passed_on = {"webtext/news-reuters21578", "webtext/news-bbc"}
    assert len(domains) == 10
    assert set(catalogue().corpora["webtext"].members) == set(domains) - not_passed_on
    assert all("release" in split.tiers() for split in catalogue().splits("webtext").values())
    assert set(catalogue().splits("webtext")) == {"train", "heldout"}


def test_the_novels_are_112_files_each_with_an_origin() -> None:
    splits = catalogue().splits("books")
    counts = {
        name: sum(len(file_set.files) for file_set in split.file_sets) for name, split in splits.items()
    }
    assert counts == {"train": 106, "heldout": 6}
    assert all(split.tiers() == ("mirror", "origin") for split in splits.values())


@pytest.mark.parametrize("name", ["books", "plays", "webtext"])
def test_held_out_files_are_not_trained_on(name: str) -> None:
    files = {
        split: {sha256 for file_set in entry.file_sets for sha256 in file_set.files.values()}
        for split, entry in catalogue().splits(name).items()
    }
    assert not files["train"] & files["heldout"]


def test_no_package_index_is_named() -> None:
    paths = (storage.project_root() / "data" / "sources").glob("*.yml")
    text = "".join(path.read_text(encoding="utf-8") for path in paths)
    assert set(re.findall(r"https?://([^/]+)", text)) == {"raw.githubusercontent.com"}


def test_what_only_a_mirror_has_says_where_it_is_from() -> None:
    for name, entry in catalogue().corpora.items():
        tiers = {tier for split in entry.splits.values() for tier in split.tiers()}
        assert tiers != {"mirror"} or entry.source, (
            f"only a mirror has {name}: give its source in data/sources, a repository and commit"
        )


def test_joined_split_is_the_sum_of_its_members() -> None:
    members = [catalogue().split(name, "train") for name in catalogue().corpora["webtext"].members]
    joined = catalogue().split("webtext", "train")
    assert joined.bytes == sum(split.bytes for split in members)
    assert sum(len(file_set.files) for file_set in joined.file_sets) == 8


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
        (corpus(splits={"train": {"bytes": 1, "file_sets": [{"files": {"a": HASH}}]}}), "one tier that all"),
        (corpus(splits={"train": {"bytes": 1}}), "needs file sets or a hub"),
        (corpus(splits={}), "either splits or members"),
        (corpus(heldout_share=0.7), "less than 0.5"),
        (
            corpus(
                splits={
                    split: {"bytes": 1, "file_sets": [{"mirror": "x", "files": {"a": HASH}}]}
                    for split in ("train", "heldout")
                },
                heldout_share=0.02,
            ),
            "no other",
        ),
        (
            corpus(
                splits={
                    "train": {
                        "bytes": 1,
                        "file_sets": [{"hub": {"id": "a/b", "revision": "c" * 40}, "files": {"a": HASH}}],
                    }
                }
            ),
            "hub files are for assets",
        ),
        (
            corpus(
                splits={
                    "train": {
                        "bytes": 1,
                        "file_sets": [{"release": {"name": "r", "path": "x"}, "files": {"a": HASH}}],
                    }
                }
            ),
            "no release r",
        ),
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
            corpus(splits={"train": {"bytes": 1, "file_sets": [{"mirror": "x", "files": {"a": "12"}}]}}),
            "pattern",
        ),
        (
            corpus(
                splits={
                    "train": {
                        "bytes": 1,
                        "file_sets": [{"package": {"name": "p", "path": "x"}, "files": {"a": HASH}}],
                    }
                }
            ),
            "no package p",
        ),
    ],
)
def test_a_wrong_catalogue_is_refused(tmp_path: Path, entry: dict[str, object], complaint: str) -> None:
    with pytest.raises(GptreproError, match=complaint) as caught:
        read_catalogue(write(tmp_path, {"c": entry}))
    assert "\n" not in str(caught.value)


def test_a_missing_catalogue_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(GptreproError, match=r"no lists of data sources in .*: restore them"):
        read_catalogue(tmp_path / "none")


def test_the_files_of_a_catalogue_are_joined_and_no_name_comes_twice(tmp_path: Path) -> None:
    more = tmp_path / "more.yml"
    more.write_text(yaml.safe_dump({"corpora": {"d": corpus()}}), encoding="utf-8")
    assert set(read_catalogue(write(tmp_path, {"c": corpus()})).corpora) == {"c", "d"}
    with pytest.raises(GptreproError, match="name d twice"):
        read_catalogue(write(tmp_path, {"d": corpus()}))
    more.write_text("corpora\n", encoding="utf-8")
    with pytest.raises(GptreproError, match=r"more\.yml is not valid: it holds no tables"):
        read_catalogue(tmp_path)


def test_what_may_not_be_passed_on_is_in_no_release() -> None:
    for name, entry in {**catalogue().corpora, **catalogue().assets}.items():
        if any(files.release for files in entry.all_file_sets()):
            limits = re.findall(
                r"research use|research only|non-commercial|-NC|no explicit|copyright", entry.licence
            )
            assert not limits, f"{name} is under {entry.licence}: take it out of the release"
            assert entry.source, f"{name} is in a release: say where it is from"


@pytest.mark.mirror
def test_every_mirrored_file_has_the_pinned_content(mirror: Path) -> None:
    def files() -> list[SourceFile]:
        return open_files("mirror", tuple(one for one in catalogue().file_sets() if one.mirror))

    for file in files():
        file.read()
