"""Bytes from an address: whole and verified, or nothing.

A transfer ends early when more bytes come than are pinned, when none come for a while, and when they come
so slowly that it amounts to the same.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

import requests
import urllib3
from requests.auth import AuthBase

from gptrepro import storage
from gptrepro.errors import GptreproError
from gptrepro.sources import network

CHUNK_BYTES = 1 << 16
LARGEST_FILE = 100_000_000  # what public repositories allow a file, where its own size is not pinned


def download(
    url: str,
    path: Path,
    sha256: str,
    *,
    size: int | None = None,
    unpack: Callable[[bytes], bytes] | None = None,
    auth: AuthBase | None = None,
    verify: bool | str = True,
    advance: Callable[[int], None] = lambda _: None,
) -> None:
    """Fetch ``url`` to ``path``, which appears only when its sha256 is the pinned one.

    Args:
        url: an address of the web, or of a file on this machine.
        path: where the file goes; its folder is made.
        sha256: of the file as it is kept.
        size: the pinned size of what is sent; without it a limit for any file holds.
        unpack: makes what is kept of what was sent; its `GptreproError` is a clause without its subject.
        auth: who asks, for the client.
        verify: whether the host must have a certificate, or the path of the one to trust.
        advance: told of every bytes that came.

    Raises:
        GptreproError: the file cannot be fetched whole or is another one; the message is a clause.
        StorageError: the disk is full or the place may not be written.
    """
    with storage.atomic_file(path) as temporary:
        if urlsplit(url).scheme == "file":
            _copy(url, temporary)
        else:
            with temporary.open("wb") as handle:
                for chunk in _chunks(url, size, auth, verify):
                    handle.write(chunk)
                    advance(len(chunk))
        if unpack is not None:
            try:
                temporary.write_bytes(unpack(temporary.read_bytes()))
            except GptreproError as error:
                raise GptreproError(f"{shown(url)} {error} (nothing was kept)") from error
        found = storage.sha256_file(temporary)
        if found != sha256:
            raise GptreproError(
                f"{shown(url)} came with sha256 {found[:12]}... instead of {sha256[:12]}... "
                "(the download broke off or the file was replaced, nothing was kept)"
            )


def shown(url: str) -> str:
    """An address without the name and password that may stand in it."""
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()


def _copy(url: str, target: Path) -> None:
    source = Path(url2pathname(urlsplit(url).path))
    if not source.is_file():
        raise GptreproError(f"there is no file {source}")
    shutil.copyfile(source, target)


def _chunks(url: str, size: int | None, auth: AuthBase | None, verify: bool | str) -> Iterator[bytes]:
    # What has a pinned size is sent as it is; text without one may be compressed on the way.
    headers = {"Accept-Encoding": "identity"} if size is not None else None
    allowance = network.Allowance(size if size is not None else LARGEST_FILE)

    def ask() -> requests.Response:
        return requests.get(
            url,
            stream=True,
            timeout=(network.CONNECT_SECONDS, network.SILENCE_SECONDS),
            headers=headers,
            auth=auth,
            verify=verify,
            hooks={"response": _drop_redirect},
        )

    try:
        with network.within(network.SILENCE_SECONDS, ask) as response:
            response.raise_for_status()
            # read1 returns what has come; read would wait for a whole chunk, however slowly it comes.
            while chunk := allowance.timed(lambda: response.raw.read1(CHUNK_BYTES, decode_content=True)):
                yield chunk
            if size is not None and allowance.received < size:
                raise GptreproError(f"it broke off after {allowance.received:,} of {size:,} bytes")
    # An address that a host sends us to need not be one.
    except (requests.RequestException, urllib3.exceptions.HTTPError, ValueError, GptreproError) as error:
        raise GptreproError(f"{shown(url)} cannot be fetched ({_reason(error)}, nothing was kept)") from error


def _drop_redirect(response: requests.Response, *_: object, **__: object) -> None:
    """The client would read the page of a redirect to its end before it goes on."""
    if response.is_redirect:
        response.close()


def _reason(error: Exception) -> str:
    if isinstance(error, GptreproError):
        return str(error)
    if isinstance(error, requests.HTTPError) and error.response is not None:
        return f"it answered {error.response.status_code}"
    if isinstance(error, requests.Timeout | urllib3.exceptions.TimeoutError):
        return f"it sent nothing for {network.SILENCE_SECONDS:g} seconds"
    if isinstance(error, urllib3.exceptions.ProtocolError):
        return "it broke off"
    if isinstance(error, requests.TooManyRedirects):
        return "it redirects without end"
    return type(error).__name__
