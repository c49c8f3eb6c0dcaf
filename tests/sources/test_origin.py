"""Files of a pinned commit come whole and verified, or not at all."""

from __future__ import annotations

import errno
import gzip
import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from gptrepro import storage
from gptrepro.errors import GptreproError
from gptrepro.sources.catalogue import OriginSource
from gptrepro.sources.origin import OriginFile, fetch_files, origin_file

SOURCE = OriginSource(repository="someone/novels", commit="c" * 40, path="corpus/{name}.txt")
CONTENT = b"Chapter I\r\nIt was a dark night."


@pytest.fixture
def wanted(home: Path, httpserver: HTTPServer) -> Iterator[OriginFile]:
    template = httpserver.url_for("/{repository}/{commit}/{path}")
    yield origin_file(template, SOURCE, "Night", hashlib.sha256(CONTENT).hexdigest())


def serve(httpserver: HTTPServer, content: bytes) -> None:
    httpserver.expect_request(f"/someone/novels/{'c' * 40}/corpus/Night.txt").respond_with_data(content)


def left(wanted: OriginFile) -> list[Path]:
    return [path for path in storage.home().rglob("*") if path.is_file()]


def test_fetched_once(wanted: OriginFile, httpserver: HTTPServer) -> None:
    serve(httpserver, CONTENT)
    fetch_files([wanted])
    assert wanted.path.read_bytes() == CONTENT
    httpserver.clear()
    fetch_files([wanted])  # no further request: the server has nothing left


def test_a_replaced_file_is_refused_and_not_kept(wanted: OriginFile, httpserver: HTTPServer) -> None:
    serve(httpserver, CONTENT + b"!")
    with pytest.raises(GptreproError, match=r"came with sha256 .* instead of"):
        fetch_files([wanted])
    assert left(wanted) == []


def test_half_a_download_is_refused_and_not_kept(wanted: OriginFile, httpserver: HTTPServer) -> None:
    def break_off(request: Request) -> Response:
        response = Response(CONTENT[:10])
        response.headers["Content-Length"] = str(len(CONTENT))
        response.automatically_set_content_length = False
        return response

    httpserver.expect_request(f"/someone/novels/{'c' * 40}/corpus/Night.txt").respond_with_handler(break_off)
    with pytest.raises(GptreproError):
        fetch_files([wanted])
    assert left(wanted) == []


def test_rows_in_a_published_form_are_kept_as_lines(home: Path, httpserver: HTTPServer) -> None:
    source = SOURCE.model_copy(update={"form": "snli"})
    lines = b'{"premise": "a man sings", "hypothesis": "nobody sings", "label": "contradiction"}\n'
    template = httpserver.url_for("/{repository}/{commit}/{path}")
    wanted = origin_file(template, source, "Night", hashlib.sha256(lines).hexdigest())
    serve(httpserver, b"404: Not Found")
    with pytest.raises(GptreproError, match=r"Night\.txt is not in the published form of snli"):
        fetch_files([wanted])
    httpserver.clear()
    serve(httpserver, b"a man sings\tnobody sings\t1\n")
    with pytest.raises(GptreproError, match=r"came with sha256 .* instead of"):
        fetch_files([wanted])
    assert left(wanted) == []
    httpserver.clear()
    serve(httpserver, b"a man sings\tnobody sings\t2\n")
    fetch_files([wanted])
    assert wanted.path.read_bytes() == lines


def test_a_compressed_file_is_kept_unpacked(home: Path, httpserver: HTTPServer) -> None:
    source = SOURCE.model_copy(update={"path": "corpus/{name}.txt.gz"})
    template = httpserver.url_for("/{repository}/{commit}/{path}")
    wanted = origin_file(template, source, "Night", hashlib.sha256(CONTENT).hexdigest())
    address = f"/someone/novels/{'c' * 40}/corpus/Night.txt.gz"
    httpserver.expect_request(address).respond_with_data(CONTENT)
    with pytest.raises(GptreproError, match="is not a gzip file"):
        fetch_files([wanted])
    assert left(wanted) == []
    httpserver.clear()
    httpserver.expect_request(address).respond_with_data(gzip.compress(CONTENT))
    fetch_files([wanted])
    assert wanted.path.read_bytes() == CONTENT


def test_a_missing_file_is_one_sentence(wanted: OriginFile, httpserver: HTTPServer) -> None:
    httpserver.expect_request(f"/someone/novels/{'c' * 40}/corpus/Night.txt").respond_with_data(
        "", status=404
    )
    with pytest.raises(GptreproError, match=r"Night\.txt cannot be fetched \(it answered 404"):
        fetch_files([wanted])
    assert left(wanted) == []


def test_a_full_disk_is_one_sentence(
    wanted: OriginFile, httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    serve(httpserver, CONTENT)
    monkeypatch.setattr("gptrepro.storage.os.fsync", full)
    with pytest.raises(GptreproError, match="disk is full"):
        fetch_files([wanted])
    assert left(wanted) == []


def test_out_of_reach_is_one_sentence(home: Path, closed_port: int) -> None:
    template = f"http://127.0.0.1:{closed_port}/{{repository}}/{{commit}}/{{path}}"
    with pytest.raises(GptreproError, match="cannot be reached"):
        fetch_files([origin_file(template, SOURCE, "Night", "0" * 64)])
