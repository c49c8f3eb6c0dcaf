"""Data packages come through pip's configuration, verified, and are only ever read."""

from __future__ import annotations

import errno
import hashlib
import io
import os
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from gptrepro.errors import GptreproError
from gptrepro.sources.archives import read_member
from gptrepro.sources.catalogue import PackageFile
from gptrepro.sources.packages import Place, fetch_archive, pip_settings

Serve = Callable[[bytes], None]


def sdist(members: dict[str, bytes]) -> bytes:
    """A .tar.gz archive in memory."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


def package_file(content: bytes, file: str = "tinydata-1.0.tar.gz") -> PackageFile:
    sha256 = hashlib.sha256(content).hexdigest()
    return PackageFile(version="1.0", file=file, sha256=sha256, bytes=len(content), licence="none")


ARCHIVE = sdist({"tinydata-1.0/setup.py": b"raise SystemExit", "tinydata-1.0/texts/a.txt": b"some text"})


def leftovers(home: Path) -> list[str]:
    return sorted(path.name for path in home.rglob("*") if path.is_file())


def test_pip_configuration_is_honoured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(name)
    config = tmp_path / "pip.conf"
    config.write_text(
        "[global]\nindex-url = https://one.example/simple\nextra-index-url = https://two.example/simple\n"
        "trusted-host = three.example\n[download]\nindex-url = https://download.example/simple\n"
    )
    monkeypatch.setenv("PIP_CONFIG_FILE", str(config))
    settings = pip_settings()
    assert settings.places == (
        Place("index", "https://download.example/simple"),
        Place("index", "https://two.example/simple"),
    )
    assert settings.trusted_hosts == ("three.example",)
    monkeypatch.setenv("PIP_INDEX_URL", "https://own.example/simple")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    assert pip_settings().places[:2] == (
        Place("find_links", str(tmp_path)),
        Place("index", "https://own.example/simple"),
    )
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    assert pip_settings().places == (Place("find_links", str(tmp_path)),)


def test_fetched_once_and_read(home: Path, pip_index: Serve, httpserver: HTTPServer) -> None:
    pip_index(ARCHIVE)
    package = package_file(ARCHIVE)
    archive = fetch_archive("tinydata", package)
    assert archive == home / "packages" / "tinydata-1.0.tar.gz"
    assert read_member(archive, "tinydata-1.0/texts/a.txt") == b"some text"
    httpserver.clear()
    assert fetch_archive("tinydata", package) == archive  # no further request: the server has nothing left
    assert leftovers(home) == ["tinydata-1.0.tar.gz"]


def test_a_folder_of_archives_serves_without_an_index(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "links").mkdir()
    (tmp_path / "links" / "tinydata-1.0.tar.gz").write_bytes(ARCHIVE)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "links"))
    assert fetch_archive("tinydata", package_file(ARCHIVE)).read_bytes() == ARCHIVE


def test_a_wheel_is_read_like_an_sdist(home: Path, pip_index: Callable[[bytes, str], None]) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as wheel:
        wheel.writestr("tinydata/data/words.txt", "words")
    name = "tinydata-1.0-py3-none-any.whl"
    pip_index(buffer.getvalue(), name)
    archive = fetch_archive("tinydata", package_file(buffer.getvalue(), name))
    assert read_member(archive, "tinydata/data/words.txt") == b"words"


def test_a_damaged_archive_is_fetched_again(home: Path, pip_index: Serve) -> None:
    pip_index(ARCHIVE)
    archive = home / "packages" / "tinydata-1.0.tar.gz"
    archive.parent.mkdir(parents=True)
    archive.write_bytes(ARCHIVE[:100])
    assert fetch_archive("tinydata", package_file(ARCHIVE)).read_bytes() == ARCHIVE


def test_another_file_is_refused_and_not_kept(home: Path, pip_index: Serve) -> None:
    pip_index(ARCHIVE[:-1] + b"x")
    with pytest.raises(GptreproError, match=r"came with sha256 .* instead of .*nothing was kept"):
        fetch_archive("tinydata", package_file(ARCHIVE))
    assert leftovers(home) == []


def test_half_a_download_is_refused_and_not_kept(
    home: Path, pip_index: Serve, httpserver: HTTPServer
) -> None:
    def break_off(request: Request) -> Response:
        response = Response(ARCHIVE[:100])
        response.headers["Content-Length"] = str(len(ARCHIVE))
        response.automatically_set_content_length = False
        return response

    httpserver.expect_oneshot_request("/files/tinydata-1.0.tar.gz").respond_with_handler(break_off)
    pip_index(ARCHIVE)
    with pytest.raises(GptreproError, match=r"tinydata 1\.0"):
        fetch_archive("tinydata", package_file(ARCHIVE))
    assert leftovers(home) == []


def test_a_full_disk_is_one_sentence(home: Path, pip_index: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    pip_index(ARCHIVE)
    monkeypatch.setattr("gptrepro.storage.os.fsync", full)
    with pytest.raises(GptreproError, match="disk is full"):
        fetch_archive("tinydata", package_file(ARCHIVE))
    assert leftovers(home) == []


def test_an_index_out_of_reach_is_one_sentence(
    home: Path, monkeypatch: pytest.MonkeyPatch, closed_port: int
) -> None:
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_INDEX_URL", f"http://127.0.0.1:{closed_port}/simple")
    monkeypatch.delenv("PIP_FIND_LINKS", raising=False)
    with pytest.raises(GptreproError, match=r"cannot be reached.*may also be put at"):
        fetch_archive("tinydata", package_file(ARCHIVE))


def test_one_dead_index_does_not_hide_the_next(
    home: Path, pip_index: Serve, httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch, closed_port: int
) -> None:
    pip_index(ARCHIVE)
    monkeypatch.setenv("PIP_INDEX_URL", f"http://127.0.0.1:{closed_port}/simple")
    monkeypatch.setenv("PIP_EXTRA_INDEX_URL", httpserver.url_for("/simple"))
    assert fetch_archive("tinydata", package_file(ARCHIVE)).exists()


def test_a_hostile_archive_writes_nothing_and_links_lead_nowhere(home: Path, pip_index: Serve) -> None:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        escape = tarfile.TarInfo("../../escaped.txt")
        escape.size = 4
        archive.addfile(escape, io.BytesIO(b"evil"))
        link = tarfile.TarInfo("tinydata-1.0/link.txt")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/hostname"
        archive.addfile(link)
    pip_index(buffer.getvalue())
    path = fetch_archive("tinydata", package_file(buffer.getvalue()))
    with pytest.raises(GptreproError, match="holds no file"):
        read_member(path, "tinydata-1.0/link.txt")
    assert leftovers(home.parent) == ["tinydata-1.0.tar.gz"]


def test_a_missing_member_is_one_sentence(home: Path, pip_index: Serve) -> None:
    pip_index(ARCHIVE)
    with pytest.raises(GptreproError, match=r"tinydata-1\.0\.tar\.gz holds no file b\.txt"):
        read_member(fetch_archive("tinydata", package_file(ARCHIVE)), "b.txt")
