"""The hub's real clients against a small hub on this machine."""

from __future__ import annotations

import errno
import hashlib
import io
import json
import os
import re
import time
from pathlib import Path

import pandas as pd
import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from gptrepro import storage
from gptrepro.errors import GptreproError, StorageError
from gptrepro.sources.assets import fetch_files
from gptrepro.sources.catalogue import HubFiles, HubSource
from gptrepro.sources.corpora import load_corpus
from gptrepro.sources.hub import fetch_hub_file, fetch_parquet, hub_documents
from gptrepro.sources.inventory import list_datasets, verify
from tests.sources.tiny import UseCatalogue

COMMIT = "a" * 40
SOURCE = HubSource(id="tiny/set", config="default", split="train")
SIZE = 100
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
    files = fetch_parquet(SOURCE, SIZE)
    assert [path.name for path in files] == ["0000.parquet"]
    assert list(hub_documents(SOURCE, files)) == ROWS
    joined = SOURCE.model_copy(update={"join": "\n"})
    assert list(hub_documents(joined, files)) == ["One.\nTwo.\nThree."]


def test_a_folder_may_be_called_like_a_pattern(tmp_path: Path) -> None:
    path = tmp_path / "a[1] *?" / "0000.parquet"
    path.parent.mkdir()
    path.write_bytes(parquet())
    assert list(hub_documents(SOURCE, (path,))) == ROWS


def test_labelled_rows_are_json_lines_with_our_columns(hub: HTTPServer) -> None:
    source = SOURCE.model_copy(update={"column": {"sentence": "text", "label": "number"}})
    rows = [json.loads(line) for line in hub_documents(source, fetch_parquet(source, SIZE))]
    assert rows == [{"sentence": text, "label": i} for i, text in enumerate(ROWS, start=1)]


def test_a_dot_names_a_field_of_a_column(hub: HTTPServer) -> None:
    source = SOURCE.model_copy(update={"column": {"choices": "choices.text", "letters": "choices.label"}})
    rows = [json.loads(line) for line in hub_documents(source, fetch_parquet(source, SIZE))]
    assert rows == [{"choices": ["no", "yes"], "letters": ["A", "B"]}] * 3
    wrong = SOURCE.model_copy(update={"column": {"choices": "choices.words"}})
    with pytest.raises(GptreproError, match="cannot be read"):
        list(hub_documents(wrong, fetch_parquet(wrong, SIZE)))


def test_downloaded_once(hub: HTTPServer) -> None:
    files = fetch_parquet(SOURCE, SIZE)
    hub.clear()
    assert fetch_parquet(SOURCE, SIZE) == files


def test_a_damaged_note_of_what_was_downloaded_is_made_again(hub: HTTPServer) -> None:
    files = fetch_parquet(SOURCE, SIZE)
    (note,) = (storage.home() / "hub" / "complete").iterdir()
    note.write_bytes(b'["\xff')
    assert fetch_parquet(SOURCE, SIZE) == files
    assert storage.read_json(note, list[str])


def test_what_is_not_there_is_one_sentence(hub: HTTPServer) -> None:
    with pytest.raises(GptreproError, match="no parquet files for default/valid"):
        fetch_parquet(SOURCE.model_copy(update={"split": "valid"}), SIZE)
    with pytest.raises(GptreproError, match=r"tiny/none cannot be downloaded .*answered 404"):
        fetch_parquet(SOURCE.model_copy(update={"id": "tiny/none"}), SIZE)
    files = fetch_parquet(SOURCE, SIZE)
    with pytest.raises(GptreproError, match="cannot be read") as caught:
        list(hub_documents(SOURCE.model_copy(update={"column": "none"}), files))
    assert "\n" not in str(caught.value)


def test_a_damaged_file_is_one_sentence(hub: HTTPServer) -> None:
    files = fetch_parquet(SOURCE, SIZE)
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


WEIGHTS = b"weights"
FILES = HubFiles(id="tiny/model", revision=COMMIT)


@pytest.fixture
def models(home: Path, httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch) -> dict[str, bytes]:
    """A hub that holds the repository ``tiny/model`` at one commit; what it serves may be changed."""
    served = {"model.safetensors": WEIGHTS}

    def answer(request: Request) -> Response:
        prefix = f"/tiny/model/resolve/{COMMIT}/"
        content = served.get(request.path.removeprefix(prefix)) if request.path.startswith(prefix) else None
        if content is None:
            return Response("{}", status=404)
        etag = hashlib.sha256(content).hexdigest()
        return Response(content, headers={"X-Repo-Commit": COMMIT, "ETag": f'"{etag}"'})

    httpserver.expect_request(re.compile(".*")).respond_with_handler(answer)
    monkeypatch.setenv("HF_ENDPOINT", httpserver.url_for("").rstrip("/"))
    return served


def test_a_file_of_a_commit_comes_verified_and_once(models: dict[str, bytes]) -> None:
    sha256 = hashlib.sha256(WEIGHTS).hexdigest()
    path = fetch_hub_file(FILES, "model.safetensors", sha256, SIZE)
    assert path.read_bytes() == WEIGHTS
    models.clear()
    assert fetch_hub_file(FILES, "model.safetensors", sha256, SIZE) == path  # the hub has nothing left


def test_a_damaged_copy_of_a_file_is_fetched_again(models: dict[str, bytes]) -> None:
    sha256 = hashlib.sha256(WEIGHTS).hexdigest()
    path = fetch_hub_file(FILES, "model.safetensors", sha256, SIZE)
    path.resolve().write_bytes(b"damaged")
    assert fetch_hub_file(FILES, "model.safetensors", sha256, SIZE).read_bytes() == WEIGHTS


def test_another_file_is_refused_and_not_kept(models: dict[str, bytes], home: Path) -> None:
    with pytest.raises(GptreproError, match=r"model\.safetensors of tiny/model came with sha256 .* instead"):
        fetch_hub_file(FILES, "model.safetensors", "0" * 64, SIZE)
    assert not list(home.rglob("*.safetensors"))
    assert WEIGHTS not in [path.read_bytes() for path in home.rglob("*") if path.is_file()]
    with pytest.raises(GptreproError, match=r"tiny/model cannot be downloaded .*answered 404"):
        fetch_hub_file(FILES, "none.safetensors", "0" * 64, SIZE)


def test_an_asset_of_the_hub_is_a_path_in_its_cache(
    models: dict[str, bytes], use_catalogue: UseCatalogue, home: Path
) -> None:
    file_set = {
        "hub": FILES.model_dump(),
        "files": {"model.safetensors": hashlib.sha256(WEIGHTS).hexdigest()},
    }
    entry = {"title": "T", "licence": "none", "paper": "none", "bytes": 7, "file_sets": [file_set]}
    use_catalogue({"assets": {"weights": entry}})
    path = fetch_files("weights")["model.safetensors"]
    assert path.read_bytes() == WEIGHTS and home / "hub" in path.parents
    assert verify("weights") == []
    assert list_datasets()[0].tier == "hub"


def test_a_full_disk_is_not_taken_for_a_hub_that_fails(
    models: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> str:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("huggingface_hub.hf_hub_download", full)
    with pytest.raises(StorageError, match="disk is full"):
        fetch_hub_file(FILES, "model.safetensors", "0" * 64, SIZE)


def test_weights_from_a_hub_out_of_reach_fail_within_five_seconds(
    home: Path, use_catalogue: UseCatalogue, monkeypatch: pytest.MonkeyPatch, closed_port: int
) -> None:
    file_set = {"hub": FILES.model_dump(), "files": {"model.safetensors": "0" * 64}}
    entry = {"title": "T", "licence": "none", "paper": "none", "bytes": 7, "file_sets": [file_set]}
    use_catalogue({"assets": {"weights": entry}})
    monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{closed_port}")
    began = time.monotonic()
    with pytest.raises(GptreproError, match=r"No tier can serve weights \(hub: .*cannot be reached\): set"):
        fetch_files("weights")
    assert time.monotonic() - began < 5
