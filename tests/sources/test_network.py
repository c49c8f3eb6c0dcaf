"""A host that cannot be reached is known within seconds."""

from __future__ import annotations

import socket
import time

import pytest
from pytest_httpserver import HTTPServer

from gptrepro.errors import GptreproError
from gptrepro.sources.network import PATIENCE_SECONDS, require_reachable


def test_any_answer_will_do(httpserver: HTTPServer) -> None:
    httpserver.expect_request("/").respond_with_data("no", status=500)
    require_reachable(httpserver.url_for("/"))


def test_a_closed_port_cannot_be_reached(closed_port: int) -> None:
    with pytest.raises(GptreproError, match=rf"127\.0\.0\.1:{closed_port} cannot be reached"):
        require_reachable(f"http://127.0.0.1:{closed_port}/")


def test_a_silent_host_is_given_up_on() -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        began = time.monotonic()
        with pytest.raises(GptreproError, match="cannot be reached"):
            require_reachable(f"http://127.0.0.1:{listener.getsockname()[1]}/")
        assert time.monotonic() - began < PATIENCE_SECONDS + 1
