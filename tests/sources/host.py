"""A host on this machine that says what a test tells it to, byte by byte and in its own time."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from typing import NamedTuple


class Answer(NamedTuple):
    """What a host that works would say."""

    body: bytes
    headers: dict[str, str]
    status: str = "200 OK"

    def head(self, length: int | None = None) -> bytes:
        """The bytes before the body."""
        headers = {"Content-Length": str(len(self.body) if length is None else length), "Connection": "close"}
        lines = [f"{name}: {value}" for name, value in (headers | self.headers).items()]
        return "\r\n".join([f"HTTP/1.1 {self.status}", *lines, "", ""]).encode()


class ResetError(Exception):
    """Thrown by a script: the connection is reset, not closed."""


Script = Iterator[bytes | float]
"""Bytes that are sent and seconds that are waited."""


class Host:
    """Answers every request in a thread of its own; counts what it could send."""

    def __init__(self, script: Callable[[str, str], Script]) -> None:
        self.script = script
        self.sent = 0
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=32)
        self.address = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._open = True
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """Stop listening and end what is still being said."""
        self._open = False
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):  # who listened may have gone
            request = b""
            while b"\r\n\r\n" not in request and (more := connection.recv(1 << 16)):
                request += more
            if not request:
                return
            method, path, _ = request.decode("latin-1").split(" ", 2)
            try:
                for step in self.script(method, path):
                    if isinstance(step, bytes):
                        connection.sendall(step)
                        self.sent += len(step)
                    else:
                        time.sleep(step)
                    if not self._open:
                        return
            except ResetError:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
