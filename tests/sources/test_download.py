"""A transfer is whole and verified, or ends soon in one sentence and leaves nothing behind."""

from __future__ import annotations

import contextlib
import errno
import gzip
import hashlib
import os
import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from gptrepro.errors import GptreproError, StorageError
from gptrepro.sources import network
from gptrepro.sources.download import download

CONTENT = bytes(range(256)) * 20
SHA256 = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(network, "SILENCE_SECONDS", 0.5)


def test_bytes_arrive_and_are_told_of(httpserver: HTTPServer, tmp_path: Path) -> None:
    httpserver.expect_request("/a").respond_with_data(CONTENT)
    came: list[int] = []
    target = tmp_path / "new" / "a"
    download(httpserver.url_for("/a"), target, SHA256, size=len(CONTENT), advance=came.append)
    assert target.read_bytes() == CONTENT
    assert sum(came) == len(CONTENT)


def test_text_may_be_compressed_on_the_way_and_what_has_a_size_may_not(
    httpserver: HTTPServer, tmp_path: Path
) -> None:
    def answer(request: Request) -> Response:
        if "gzip" in request.headers.get("Accept-Encoding", ""):
            return Response(gzip.compress(CONTENT), headers={"Content-Encoding": "gzip"})
        return Response(CONTENT, headers={"X-As-It-Is": "yes"})

    httpserver.expect_request("/a").respond_with_handler(answer)
    download(httpserver.url_for("/a"), tmp_path / "text", SHA256)
    download(httpserver.url_for("/a"), tmp_path / "archive", SHA256, size=len(CONTENT))
    assert (tmp_path / "text").read_bytes() == (tmp_path / "archive").read_bytes() == CONTENT
    encodings = [request.headers["Accept-Encoding"] for request, _ in httpserver.log]
    assert "gzip" in encodings[0] and encodings[1] == "identity"


def test_other_bytes_are_refused_without_the_password_in_the_address(
    httpserver: HTTPServer, tmp_path: Path
) -> None:
    httpserver.expect_request("/a").respond_with_data(CONTENT[::-1])
    url = httpserver.url_for("/a").replace("http://", "http://me:secret@")
    with pytest.raises(GptreproError, match=r"came with sha256 .* instead of .*nothing was kept") as caught:
        download(url, tmp_path / "a", SHA256)
    assert "secret" not in str(caught.value)
    assert not list(tmp_path.iterdir())


Script = list[tuple[bytes, float]]
"""What a server sends after its headers, each with the seconds that it waits before."""


@pytest.fixture
def speak() -> Iterator[Callable[[Script], str]]:
    """A server that says what it is told to, in its own time; gives its address."""
    with socket.create_server(("127.0.0.1", 0)) as listener, ThreadPoolExecutor(1) as thread:

        def serve(script: Script) -> None:
            connection, _ = listener.accept()
            with connection, contextlib.suppress(OSError):  # who listened may have gone
                connection.recv(1 << 16)
                connection.sendall(f"HTTP/1.1 200 OK\r\nContent-Length: {len(CONTENT)}\r\n\r\n".encode())
                for words, pause in script:
                    time.sleep(pause)
                    connection.sendall(words)

        def speak(script: Script) -> str:
            thread.submit(serve, script)
            return f"http://127.0.0.1:{listener.getsockname()[1]}/a"

        yield speak


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ([(CONTENT[:100], 0)], "it broke off"),
        ([(b"", 1.5)], r"it sent nothing for 0\.5 seconds"),
        ([(CONTENT[:100], 0), (b"", 1.5)], r"it sent nothing for 0\.5 seconds"),
        ([(bytes([byte]), 0.1) for byte in CONTENT[:20]], "it sends less than 1,000 bytes per second"),
    ],
    ids=["cut short", "stalled after the headers", "stalled", "dripping"],
)
def test_what_does_not_come_whole_is_one_clause(
    speak: Callable[[Script], str], tmp_path: Path, impatient: None, script: Script, reason: str
) -> None:
    began = time.monotonic()
    with pytest.raises(GptreproError, match=reason) as caught:
        download(speak(script), tmp_path / "a", SHA256, size=len(CONTENT))
    assert time.monotonic() - began < 2
    assert "\n" not in str(caught.value)
    assert not list(tmp_path.iterdir())


def test_more_than_is_pinned_is_not_taken(httpserver: HTTPServer, tmp_path: Path) -> None:
    def endless(request: Request) -> Response:
        def body() -> Iterator[bytes]:
            for _ in range(1000):
                yield CONTENT

        return Response(body(), direct_passthrough=True)

    httpserver.expect_request("/a").respond_with_handler(endless)
    with pytest.raises(GptreproError, match="it sends more than 5,120 bytes"):
        download(httpserver.url_for("/a"), tmp_path / "a", SHA256, size=len(CONTENT))
    with pytest.raises(GptreproError, match="it answered 500"):
        download(httpserver.url_for("/b"), tmp_path / "a", SHA256, size=len(CONTENT))
    assert not list(tmp_path.iterdir())


def test_a_file_of_this_machine_is_copied(tmp_path: Path) -> None:
    (tmp_path / "source").write_bytes(CONTENT)
    download((tmp_path / "source").as_uri(), tmp_path / "a", SHA256)
    assert (tmp_path / "a").read_bytes() == CONTENT
    with pytest.raises(GptreproError, match="there is no file"):
        download((tmp_path / "none").as_uri(), tmp_path / "b", SHA256)


def test_a_disk_that_fills_up_says_so(
    httpserver: HTTPServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    httpserver.expect_request("/a").respond_with_data(CONTENT)
    monkeypatch.setattr("gptrepro.storage.os.fsync", full)
    with pytest.raises(StorageError, match="disk is full"):
        download(httpserver.url_for("/a"), tmp_path / "a", SHA256)
    assert not list(tmp_path.iterdir())
