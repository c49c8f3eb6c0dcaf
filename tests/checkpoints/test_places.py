"""What a reader may call a checkpoint; the hub's real client against a small hub on this machine."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from gptrepro.checkpoints import find_checkpoint, load_checkpoint, save_checkpoint
from gptrepro.errors import GptreproError
from tests.model.small import small_decoder

COMMIT = "c" * 40


@pytest.fixture
def hub(tmp_path: Path, httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch) -> HTTPServer:
    """A hub with the models ``tiny/model`` at v1, and ``tiny/pickled``, of pickled weights alone."""
    save_checkpoint(tmp_path / "made", small_decoder())
    made = {path.name: path.read_bytes() for path in (tmp_path / "made").iterdir()}
    kept = {"tiny/model": made | {"run.py": b"1 / 0"}, "tiny/pickled": {"config.json": b"{}"}}

    def answer(request: Request) -> Response:
        name = next((name for name in kept if f"/{name}/" in f"{request.path}/"), "")
        files = kept.get(name, {})
        if files and re.search(r"/revision/(v1|main)$", request.path):
            siblings = [{"rfilename": file} for file in files]
            return Response(json.dumps({"id": name, "sha": COMMIT, "siblings": siblings}))
        if files and request.path == f"/api/models/{name}/tree/{COMMIT}":
            listing = [
                {"type": "file", "path": file, "size": len(content), "oid": "b" * 40}
                for file, content in files.items()
            ]
            return Response(json.dumps(listing), content_type="application/json")
        if files and request.path.startswith(f"/{name}/resolve/"):
            content = files[request.path.rpartition("/")[2]]
            return Response(content, headers={"X-Repo-Commit": COMMIT, "ETag": f'"{len(content)}"'})
        return Response("{}", status=404)

    httpserver.expect_request(re.compile(".*")).respond_with_handler(answer)
    monkeypatch.setenv("GPTREPRO_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("HF_ENDPOINT", httpserver.url_for("").rstrip("/"))
    return httpserver


def test_a_revision_of_the_hub_is_opened_and_kept(hub, monkeypatch):
    folder = find_checkpoint("tiny/model@v1")
    assert load_checkpoint(folder).config == small_decoder().config
    assert not (folder / "run.py").exists()  # code is not even fetched
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")  # nobody listens there
    assert find_checkpoint("tiny/model@v1") == folder


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("tiny/pickled", "no weights as safetensors"),
        ("tiny/absent", "there is no folder tiny/absent, and the hub does not give tiny/absent"),
        ("tiny/model@v2", "it answered 404"),
        ("gpt2-124m", "had: the hub does not give openai-community/gpt2 "),
    ],
)
def test_what_the_hub_does_not_give_is_one_sentence(hub, name, message):
    with pytest.raises(GptreproError, match=message):
        find_checkpoint(name)


def test_a_hub_that_is_away_is_said_at_once(tmp_path, monkeypatch):
    monkeypatch.setenv("GPTREPRO_HOME", str(tmp_path))
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    began = time.monotonic()
    with pytest.raises(GptreproError, match=r"127\.0\.0\.1:9 cannot be reached"):
        find_checkpoint("tiny/model")
    assert time.monotonic() - began < 5


def test_a_folder_comes_before_the_hub(tmp_path, monkeypatch):
    (tmp_path / "tiny" / "model").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    assert find_checkpoint("tiny/model") == Path("tiny/model")
    assert find_checkpoint("../somewhere/else") == Path("../somewhere/else")
