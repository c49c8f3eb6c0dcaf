"""The hub's real clients against a small hub on this machine."""

from __future__ import annotations

import io
import json
import re
import time
from pathlib import Path

import pandas as pd
import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from gptrepro import storage
from gptrepro.errors import GptreproError
from gptrepro.sources.catalogue import HubSource
from gptrepro.sources.corpora import load_corpus
from gptrepro.sources.hub import fetch_parquet, hub_documents

COMMIT = "a" * 40
SOURCE = HubSource(id="tiny/set", config="default", split="train")
ROWS = ["One.", "Two.", "Three."]


def parquet() -> bytes:
    buffer = io.BytesIO()
    pd.DataFrame(
        {"text": ROWS, "number": [1, 2, 3], "choices": [{"label": ["A", "B"], "text": ["no", "yes"]}] * 3}
    ).to_parquet(buffer)
    return buffer.getvalue()


@pytest.fixture
def hub(home: Path, httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch) -> HTTPServer:
    """A hub that holds ``tiny/set``, with one parquet file for each of two splits."""
    content = parquet()
    files = [f"default/{split}/0000.parquet" for split in ("train", "test")]
    info = {"id": "tiny/set", "sha": COMMIT, "siblings": [{"rfilename": name} for name in files]}
    tree = [{"type": "file", "path": name, "size": len(content), "oid": "b" * 40} for name in files]

    def answer(request: Request) -> Response:
        path = request.path
        if path == "/api/datasets/tiny/set/revision/refs/convert/parquet":
            return Response(json.dumps(info), content_type="application/json")
        if path == f"/api/datasets/tiny/set/tree/{COMMIT}":
            return Response(json.dumps(tree), content_type="application/json")
        if path.startswith(f"/datasets/tiny/set/resolve/{COMMIT}/"):
            return Response(content, headers={"X-Repo-Commit": COMMIT, "ETag": '"e"'})
        return Response("{}", status=404)

    httpserver.expect_request(re.compile(".*")).respond_with_handler(answer)
    monkeypatch.setenv("HF_ENDPOINT", httpserver.url_for("").rstrip("/"))
    return httpserver


def test_rows_are_documents(hub: HTTPServer) -> None:
    files = fetch_parquet(SOURCE)
    assert [path.name for path in files] == ["0000.parquet"]
    assert list(hub_documents(SOURCE, files)) == ROWS
    joined = SOURCE.model_copy(update={"join": "\n"})
    assert list(hub_documents(joined, files)) == ["One.\nTwo.\nThree."]


def test_labelled_rows_are_json_lines_with_our_columns(hub: HTTPServer) -> None:
    source = SOURCE.model_copy(update={"column": {"sentence": "text", "label": "number"}})
    rows = [json.loads(line) for line in hub_documents(source, fetch_parquet(source))]
    assert rows == [{"sentence": text, "label": i} for i, text in enumerate(ROWS, start=1)]


def test_a_dot_names_a_field_of_a_column(hub: HTTPServer) -> None:
    source = SOURCE.model_copy(update={"column": {"choices": "choices.text", "letters": "choices.label"}})
    rows = [json.loads(line) for line in hub_documents(source, fetch_parquet(source))]
    assert rows == [{"choices": ["no", "yes"], "letters": ["A", "B"]}] * 3
    wrong = SOURCE.model_copy(update={"column": {"choices": "choices.words"}})
    with pytest.raises(GptreproError, match="cannot be read"):
        list(hub_documents(wrong, fetch_parquet(wrong)))


def test_downloaded_once(hub: HTTPServer) -> None:
    files = fetch_parquet(SOURCE)
    hub.clear()
    assert fetch_parquet(SOURCE) == files


def test_a_damaged_note_of_what_was_downloaded_is_made_again(hub: HTTPServer) -> None:
    files = fetch_parquet(SOURCE)
    (note,) = (storage.home() / "hub" / "complete").iterdir()
    note.write_bytes(b'["\xff')
    assert fetch_parquet(SOURCE) == files
    assert storage.read_json(note, list[str])


def test_what_is_not_there_is_one_sentence(hub: HTTPServer) -> None:
    with pytest.raises(GptreproError, match="no parquet files for default/valid"):
        fetch_parquet(SOURCE.model_copy(update={"split": "valid"}))
    with pytest.raises(GptreproError, match=r"tiny/none cannot be downloaded .*answered 404"):
        fetch_parquet(SOURCE.model_copy(update={"id": "tiny/none"}))
    files = fetch_parquet(SOURCE)
    with pytest.raises(GptreproError, match="cannot be read") as caught:
        list(hub_documents(SOURCE.model_copy(update={"column": "none"}), files))
    assert "\n" not in str(caught.value)


def test_a_damaged_file_is_one_sentence(hub: HTTPServer) -> None:
    files = fetch_parquet(SOURCE)
    files[0].resolve().write_bytes(parquet()[:40])
    with pytest.raises(GptreproError, match="fetch them again"):
        list(hub_documents(SOURCE, files))


def test_a_hub_out_of_reach_fails_within_five_seconds(
    home: Path, monkeypatch: pytest.MonkeyPatch, closed_port: int
) -> None:
    monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{closed_port}")
    began = time.monotonic()
    with pytest.raises(GptreproError, match=r"No tier can serve ptb \(test\) \(mirror: .*; hub: .*\): set"):
        load_corpus("ptb", split="test")
    assert time.monotonic() - began < 5
