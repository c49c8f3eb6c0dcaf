"""A run is packed with all that it reads and comes back as records: nothing else, and nothing unchecked."""

from __future__ import annotations

import json
import os
from dataclasses import replace

import pytest

from gptrepro import storage
from gptrepro.errors import GptreproError
from gptrepro.experiments import base, find_experiment
from gptrepro.results import packing, run_experiment, store
from gptrepro.results.packing import pack_run, unpack_run
from gptrepro.results.store import SeedRun
from gptrepro.scales import Scale


@pytest.fixture
def there(coin, monkeypatch, tmp_path):
    """The home of another machine, on which ``coin`` has run; this one's is empty."""
    bare = replace(coin, corpora=lambda config: [])
    monkeypatch.setitem(base.EXPERIMENTS, "coin", bare)
    monkeypatch.setattr(packing, "EXPERIMENTS", {"coin": bare})
    monkeypatch.setenv("GPTREPRO_HOME", str(tmp_path / "there" / "home"))
    run_experiment(bare, Scale.SMOKE, report=lambda _: None)
    run = SeedRun(bare, Scale.SMOKE, 100)
    path = run.record_path
    monkeypatch.setenv("GPTREPRO_HOME", str(tmp_path / "here"))
    return run, path


@pytest.fixture
def light(monkeypatch, tmp_path):
    """A home of its own, and packs without the code."""
    monkeypatch.setenv("GPTREPRO_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(packing, "_pack_code", lambda folder: (folder / "home").mkdir())


def test_a_record_that_comes_back_is_taken_once_and_whole(there, tmp_path):
    run, path = there
    (path.parent / "weights.bin").write_bytes(b"7")
    assert unpack_run(tmp_path / "there") == ["coin smoke seed 100: taken"]
    assert run.record is not None and (run.folder / "weights.bin").read_bytes() == b"7"
    assert unpack_run(tmp_path / "there" / "home") == ["coin smoke seed 100: finished here already"]


def test_a_record_that_was_edited_is_refused_and_leaves_nothing(there, tmp_path):
    run, path = there
    path.write_text(path.read_text().replace("2.1", "1.1"))
    with pytest.raises(GptreproError, match=r"was not taken.*changed by hand"):
        unpack_run(tmp_path / "there")
    assert not run.folder.exists()


def test_the_record_of_another_seed_is_refused(there, monkeypatch, tmp_path):
    run, path = there
    path.parent.rename(path.parent.with_name("seed-101"))
    other = replace(run.experiment, seeds={Scale.SMOKE: (101,), Scale.LAPTOP: ()})
    monkeypatch.setattr(packing, "EXPERIMENTS", {"coin": other})
    with pytest.raises(GptreproError, match="it is the record of another run"):
        unpack_run(tmp_path / "there")


@pytest.mark.skipif(os.name == "nt", reason="links need a privilege there")
def test_links_out_of_the_folder_are_refused(there, tmp_path):
    run, path = there
    (path.parent / "secret").symlink_to("/etc/hostname")
    with pytest.raises(GptreproError, match="no plain file"):
        unpack_run(tmp_path / "there")
    assert not run.folder.exists()


def test_of_an_unfinished_seed_what_its_pieces_have_kept_is_taken(there, tmp_path):
    run, path = there
    path.unlink()
    kept = path.parent / "sst2" / "full-100" / "outcome.json"
    kept.parent.mkdir(parents=True)
    kept.write_text('{"score": 61.5}')
    assert unpack_run(tmp_path / "there") == ["coin smoke seed 100: not finished, 1 outcomes taken"]
    assert json.loads((run.folder / "sst2" / "full-100" / "outcome.json").read_text()) == {"score": 61.5}
    assert run.record is None


def test_a_folder_without_runs_is_named(tmp_path):
    with pytest.raises(GptreproError, match="holds no runs"):
        unpack_run(tmp_path)


def test_what_is_packed_trains_without_the_text(light, monkeypatch, tmp_path):
    """On the machine that it is for, the text is known by name and digest, and read as tokens alone."""
    positions = find_experiment("background-positions")
    pack_run([positions], Scale.SMOKE, tmp_path / "packed")
    training = positions.config(Scale.SMOKE).arms["none"]
    expected = training.tokenized(storage.home() / "prepared")
    monkeypatch.setenv("GPTREPRO_HOME", str(tmp_path / "packed" / "home"))
    found = training.tokenized(storage.home() / "prepared")
    assert found.tokenizer_digest == expected.tokenizer_digest
    assert found.train["plays"].digest == expected.train["plays"].digest


def test_what_is_too_heavy_is_not_written(light, monkeypatch, tmp_path):
    monkeypatch.setattr(packing, "MAX_PACKED_BYTES", 10)
    with pytest.raises(GptreproError, match="more than 0: pack one paper at a time"):
        pack_run([], Scale.SMOKE, tmp_path / "packed")
    assert not (tmp_path / "packed").exists()


def test_packed_code_is_of_its_commit_until_a_file_is_changed(monkeypatch, tmp_path):
    commit, root = "c" * 40, tmp_path / "root"
    (root / "gptrepro").mkdir(parents=True)
    (root / "gptrepro" / "a.py").write_text("x = 1\n")
    code = store.PackedCode(commit=commit, files=store.PackedCode.digests(root))
    (root / store.PACKED).write_text(code.model_dump_json())
    monkeypatch.setattr(storage, "project_root", lambda: root)
    assert store.code_state() == commit
    (root / "gptrepro" / "a.py").write_text("x = 2\n")
    assert store.code_state() == commit + store.UNCOMMITTED
