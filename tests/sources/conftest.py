"""A small catalogue, a small index of packages and a small origin, all on this machine."""

from __future__ import annotations

import gzip
import os
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from pytest_httpserver import HTTPServer

from gptrepro.sources import assets, corpora, inventory, tiers
from gptrepro.sources.catalogue import Catalogue
from tests.sources.tiny import TEXTS, UseCatalogue


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty home without a mirror."""
    monkeypatch.setenv("GPTREPRO_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("GPTREPRO_MIRROR", raising=False)
    return tmp_path / "home"


@pytest.fixture
def use_catalogue(monkeypatch: pytest.MonkeyPatch) -> UseCatalogue:
    """Put another catalogue in the place of data/sources."""

    def use(content: dict[str, Any]) -> Catalogue:
        complete = {
            "addresses": {"origin": "http://localhost:1/", "release": "http://localhost:1/"},
            "releases": {},
            "packages": {},
            "corpora": {},
            "assets": {},
        } | content
        made = Catalogue.model_validate(yaml.safe_load(yaml.safe_dump(complete)))
        for module in (assets, corpora, inventory, tiers):
            monkeypatch.setattr(module, "catalogue", lambda: made)
        return made

    return use


@pytest.fixture
def tiny_mirror(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A mirror that holds the corpus ``tiny``."""
    folder = tmp_path / "mirror" / "tiny"
    folder.mkdir(parents=True)
    for name, text in TEXTS.items():
        (folder / f"{name}.txt.gz").write_bytes(gzip.compress(text.encode()))
    monkeypatch.setenv("GPTREPRO_MIRROR", str(tmp_path / "mirror"))
    return folder


@pytest.fixture
def pip_index(httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch) -> Callable[[bytes, str], None]:
    """Serve one file as an index of packages, and configure pip for that index alone."""
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_INDEX_URL", httpserver.url_for("/simple"))

    def serve(content: bytes, file: str = "tinydata-1.0.tar.gz") -> None:
        page = f'<html><body><a href="/files/{file}">{file}</a></body></html>'
        httpserver.expect_request("/simple/tinydata/").respond_with_data(page, content_type="text/html")
        httpserver.expect_request(f"/files/{file}").respond_with_data(content)

    return serve


@pytest.fixture
def closed_port() -> int:
    """A port of this machine at which nothing listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
