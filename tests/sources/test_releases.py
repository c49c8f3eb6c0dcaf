"""What is packed from a mirror is what others fetch, and what is pinned is verified."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from gptrepro import storage
from gptrepro.errors import GptreproError, StorageError
from gptrepro.sources.catalogue import catalogue
from gptrepro.sources.corpora import load_corpus
from gptrepro.sources.inventory import pack, verify
from gptrepro.sources.releases import NOTICE, Packed, fetch_release, release_path
from gptrepro.sources.tiers import open_files
from tests.sources.tiny import MIRROR, TEXTS, UseCatalogue, tiny

RELEASE = {"release": {"name": "small", "path": "texts/{name}.txt"}}
Publish = Callable[[], Packed]


@pytest.fixture
def publish(
    tiny_mirror: Path,
    use_catalogue: UseCatalogue,
    httpserver: HTTPServer,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> Publish:
    """Pack the release of ``tiny``, pin and serve it, and take the mirror and the packed file away."""
    monkeypatch.setattr(storage, "project_root", lambda: tmp_path)
    address = httpserver.url_for("/someone/book")
    (tmp_path / "_config.yml").write_text(f"repository:\n  url: {address}/\n", encoding="utf-8")

    def catalogue_with(sha256: str, size: int) -> None:
        content: dict[str, Any] = tiny(TEXTS, **MIRROR, **RELEASE)
        content["corpora"]["tiny"]["source"] = "someone/tiny@c"
        content["addresses"] = {"origin": "x", "release": "{repository}/releases/download/{tag}/{file}"}
        content["releases"] = {
            "small": {"tag": "data-1", "file": "small.tar.bz2", "sha256": sha256, "bytes": size}
        }
        use_catalogue(content)

    def run() -> Packed:
        catalogue_with("0" * 64, 0)
        packed = pack("small")
        catalogue_with(packed.sha256, packed.bytes)
        content = packed.path.read_bytes()
        httpserver.expect_request("/someone/book/releases/download/data-1/small.tar.bz2").respond_with_data(
            content
        )
        packed.path.unlink()
        monkeypatch.delenv("GPTREPRO_MIRROR")
        return packed

    return run


def test_what_was_packed_is_what_is_read(
    tiny_mirror: Path, publish: Publish, httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    packed = publish()
    assert not packed.as_pinned
    fetched = load_corpus("tiny")
    assert fetched.tier == "release"
    assert packed.path.exists()
    httpserver.clear()
    texts = list(load_corpus("tiny").documents())  # kept: the server has nothing left
    assert verify("tiny") == []
    monkeypatch.setenv("GPTREPRO_MIRROR", str(tiny_mirror.parent))
    mirrored = load_corpus("tiny")
    assert (mirrored.tier, mirrored.digest) == ("mirror", fetched.digest)
    assert list(mirrored.documents()) == texts
    again = pack("small")
    assert again.as_pinned and again.sha256 == packed.sha256


def test_the_archive_says_whose_the_texts_are(publish: Publish) -> None:
    from gptrepro.sources.archives import read_member

    publish()
    load_corpus("tiny")
    archive = storage.home() / "releases" / "data-1" / "small.tar.bz2"
    assert read_member(archive, NOTICE) == b"tiny: none. From someone/tiny@c.\n"


def _refuse(request: Request) -> Response:
    return Response("not found", status=404)


def _cut(request: Request) -> Response:
    response = Response(b"BZh9", headers={"Content-Length": "1000000"})
    response.automatically_set_content_length = False
    return response


@pytest.mark.parametrize(
    ("handler", "reason"),
    [
        (_refuse, "it answered 404"),
        (_cut, "it broke off after 4 of"),
        (lambda request: Response(b"x" * 216), "came with sha256"),
        (lambda request: Response(b"x" * 100_000), "it sends more than"),
    ],
)
def test_a_release_that_does_not_come_is_one_sentence_with_the_tiers(
    publish: Publish, httpserver: HTTPServer, handler: Any, reason: str
) -> None:
    packed = publish()
    httpserver.clear()
    httpserver.expect_request("/someone/book/releases/download/data-1/small.tar.bz2").respond_with_handler(
        handler
    )
    with pytest.raises(
        GptreproError, match=rf"No tier can serve tiny .*mirror: .*; release: .*{reason}"
    ) as caught:
        load_corpus("tiny")
    assert f"may also be put at {packed.path}" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not [path for path in storage.home().rglob("*") if path.is_file()]


def test_a_full_disk_is_not_taken_for_a_missing_tier(
    publish: Publish, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    publish()
    monkeypatch.setattr("gptrepro.storage.os.fsync", full)
    with pytest.raises(StorageError, match=r"^The disk is full while writing"):
        load_corpus("tiny")
    assert not [path for path in storage.home().rglob("*") if path.is_file()]


def test_a_file_in_the_place_of_a_folder_is_not_taken_for_a_missing_tier(publish: Publish) -> None:
    publish()
    folder = storage.home() / "releases"
    for path in sorted(folder.rglob("*"), reverse=True):
        path.rmdir()
    folder.rmdir()
    folder.write_text("in the way")
    with pytest.raises(StorageError, match="cannot be made a folder"):
        load_corpus("tiny")


def test_without_a_repository_there_is_no_address(publish: Publish, tmp_path: Path) -> None:
    publish()
    (tmp_path / "_config.yml").write_text("title: none\n", encoding="utf-8")
    with pytest.raises(GptreproError, match=r"release: _config\.yml names no repository"):
        load_corpus("tiny")


def test_an_unknown_release_is_one_sentence() -> None:
    with pytest.raises(GptreproError, match="no release called 'webtex': did you mean webtext"):
        pack("webtex")


def test_packing_needs_a_mirror(publish: Publish, monkeypatch: pytest.MonkeyPatch) -> None:
    publish()
    with pytest.raises(GptreproError, match=r"small cannot be packed: GPTREPRO_MIRROR is not set\."):
        pack("small")


@pytest.mark.mirror
@pytest.mark.parametrize("name", ["webtext", "benchmarks"])
def test_the_mirror_gives_the_pinned_archive(
    mirror: Path, home: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv("GPTREPRO_MIRROR", str(mirror))
    packed = pack(name)
    assert packed.as_pinned, f"{name} is no longer what was published: put {packed} under a new tag"
    assert packed.bytes == catalogue().releases[name].bytes
    assert release_path(catalogue().releases[name]) == packed.path
    monkeypatch.delenv("GPTREPRO_MIRROR")
    assert fetch_release("nowhere", catalogue().releases[name]) == packed.path
    file_sets = [one for one in catalogue().file_sets() if one.release and one.release.name == name]
    for file in open_files("release", tuple(file_sets)):
        file.read()
