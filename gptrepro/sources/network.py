"""What a host may cost: the one home of the deadlines and ceilings of all that is fetched."""

from __future__ import annotations

import contextlib
import contextvars
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from typing import Any, TypeVar
from urllib.parse import urlsplit

import httpx2
import requests

from gptrepro.errors import GptreproError

PATIENCE_SECONDS = 3.0
CONNECT_SECONDS = 3.0
SILENCE_SECONDS = 30.0
SLOWEST_BYTES = 1000  # a second of waiting, over SILENCE_SECONDS
ANSWER_BYTES = 10_000  # what an answer counts besides its content, so that answers without end do end
LARGEST_PAGES = 20_000_000  # listings and the like, where a client reads more than the file

T = TypeVar("T")


def within(seconds: float, ask: Callable[[], T]) -> T:
    """What ``ask`` gives, in a thread that can be left behind.

    The timeouts of clients count single reads, so headers that drip outlast them, and a name server that
    does not answer is not covered at all; a thread is the only way out of either. What is asked must
    write nothing.

    Raises:
        GptreproError: it gives nothing in time; the message is a clause.
    """
    outcome: Future[T] = Future()
    context = contextvars.copy_context()  # clients keep settings there

    def run() -> None:
        try:
            outcome.set_result(context.run(ask))
        except BaseException as error:
            outcome.set_exception(error)

    threading.Thread(target=run, daemon=True).start()
    try:
        return outcome.result(seconds)
    except TimeoutError as error:
        if outcome.done():  # its own
            raise
        raise GptreproError(f"it did not answer within {seconds:g} seconds") from error


def require_reachable(url: str) -> None:
    """Return if the host of ``url`` answers at all, with whatever status.

    Clients retry for up to a minute, so this asks once.

    Raises:
        GptreproError: no answer within three seconds.
    """

    def ask() -> None:
        # A certificate that is refused is an answer too: the client that follows may know it.
        with contextlib.suppress(requests.exceptions.SSLError):
            # Streamed: an answer to HEAD has no content, whatever is sent as such.
            requests.head(url, timeout=PATIENCE_SECONDS, allow_redirects=False, stream=True).close()

    try:
        within(PATIENCE_SECONDS, ask)
    except (requests.RequestException, ValueError, GptreproError) as error:
        raise GptreproError(f"{urlsplit(url).netloc} cannot be reached") from error


class Allowance:
    """The bytes that one fetch may receive in all, and how slowly; its requests and threads share it."""

    def __init__(self, limit: int) -> None:
        self.received = 0
        self._limit = limit
        self._bytes = 0
        self._seconds = 0.0
        self._refusal: str | None = None
        self._lock = threading.Lock()

    def require(self) -> None:
        """Return if it is not used up: a client that tries again is told the same again.

        Raises:
            GptreproError: too many bytes came or they came too slowly; the message is a clause.
        """
        if self._refusal is not None:
            raise GptreproError(self._refusal)

    def spend(self, count: int, seconds: float) -> None:
        """Count what came after so many seconds of waiting.

        Raises:
            GptreproError: as `require`.
        """
        with self._lock:
            self.received += count
            self._bytes += count
            self._seconds += seconds
            if self.received > self._limit:
                self._refusal = f"it sends more than {self._limit:,} bytes"
            elif self._seconds >= SILENCE_SECONDS:
                if self._bytes < SLOWEST_BYTES * self._seconds:
                    self._refusal = f"it sends less than {SLOWEST_BYTES:,} bytes per second"
                self._bytes, self._seconds = 0, 0.0
        self.require()

    def timed(self, read: Callable[[], bytes]) -> bytes:
        """The next bytes that came, counted.

        Raises:
            GptreproError: as `require`.
        """
        began = time.monotonic()
        chunk = read()
        self.spend(len(chunk), time.monotonic() - began)
        return chunk


class LimitedClient(httpx2.Client):
    """The client that the clients of the hub and of package indexes are given to ask with.

    What it refuses is a `GptreproError`, which those do not take for a reason to try again.
    """

    def __init__(self, allowance: Allowance, **options: Any) -> None:
        super().__init__(**options)
        self._allowance = allowance
        # A compressed page of a megabyte can be a gigabyte.
        self.headers["Accept-Encoding"] = "identity"

    # One hop, below redirects and the question for a password, which may take its time: there is no public
    # place for this that keeps the proxies of the environment.
    def _send_single_request(self, request: httpx2.Request) -> httpx2.Response:
        allowance = self._allowance
        allowance.require()
        request.extensions["timeout"] = {
            "connect": CONNECT_SECONDS,
            "read": SILENCE_SECONDS,
            "write": SILENCE_SECONDS,
            "pool": None,
        }
        request.headers["Accept-Encoding"] = "identity"
        ask = super()._send_single_request
        began = time.monotonic()
        try:
            response = within(SILENCE_SECONDS, lambda: ask(request))
        except httpx2.TransportError:
            allowance.spend(0, time.monotonic() - began)
            raise
        try:
            allowance.spend(ANSWER_BYTES, time.monotonic() - began)
            if response.headers.get("Content-Encoding", "identity") != "identity":
                raise GptreproError("it compresses what was asked for as it is")
        except GptreproError:
            response.close()
            raise
        # A client would sleep for as long as these say.
        for header in ("Retry-After", "RateLimit"):
            response.headers.pop(header, None)
        assert isinstance(response.stream, httpx2.SyncByteStream)
        response.stream = _LimitedStream(response.stream, allowance)
        return response


class _LimitedStream(httpx2.SyncByteStream):
    def __init__(self, stream: httpx2.SyncByteStream, allowance: Allowance) -> None:
        self._stream = stream
        self._allowance = allowance

    def __iter__(self) -> Iterator[bytes]:
        chunks = iter(self._stream)
        while True:
            began = time.monotonic()
            try:
                chunk = next(chunks, None)
            except httpx2.TransportError:
                self._allowance.spend(0, time.monotonic() - began)
                raise
            if chunk is None:
                return
            self._allowance.spend(len(chunk), time.monotonic() - began)
            yield chunk

    def close(self) -> None:
        self._stream.close()


def first_line(error: BaseException) -> str:
    """What an error says, without what follows its first line."""
    return str(error).partition("\n")[0] or type(error).__name__


def reason(error: BaseException) -> str:
    """What lies behind an error of a client that was given a `LimitedClient`, as a clause."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, GptreproError):
            return str(cause)
        if isinstance(cause, httpx2.TooManyRedirects):
            return "it redirects without end"
        if isinstance(cause, httpx2.TimeoutException):
            return f"it sent nothing for {SILENCE_SECONDS:g} seconds"
        if isinstance(cause, httpx2.TransportError):
            return "it broke off"
        response = getattr(cause, "response", None)
        if response is not None:
            return f"it answered {response.status_code}"
        cause = cause.__cause__
    if isinstance(error, OSError):  # a client's own errors are of this kind, and say what they mean
        return first_line(error)
    return f"its answer makes no sense, {type(error).__name__}"
