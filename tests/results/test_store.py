"""Publishing refuses what must not be published; staleness shows when settings, version or data change."""

from __future__ import annotations

import dataclasses
import json
import shutil
import subprocess
from pathlib import Path

import pytest

from gptrepro import storage
from gptrepro.errors import GptreproError
from gptrepro.experiments import base
from gptrepro.results import local_record, published_record, read_record, run_experiment, stale_reason, store
from gptrepro.results.store import SeedRun
from gptrepro.scales import Scale
from tests.results.conftest import CoinConfig


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A git checkout with an empty ledger and the list of data sources, which counts as the project."""
    root = tmp_path / "checkout"
    (root / "data" / "claims").mkdir(parents=True)
    (root / "data" / "claims" / "gpt1.yml").write_text("[]\n")
    shutil.copytree(storage.project_root() / "data" / "sources", root / "data" / "sources")
    for command in (
        ["init", "-q"],
        ["add", "."],
        ["-c", "user.name=a", "-c", "user.email=a@example.org", "commit", "-qm", "start"],
    ):
        subprocess.run(["git", *command], cwd=root, check=True)
    monkeypatch.setattr(storage, "project_root", lambda: root)
    return root


def _quiet(_: str) -> None:
    pass


def test_a_finished_experiment_is_published_from_a_clean_tree(coin, checkout):
    run_experiment(coin, Scale.LAPTOP, report=_quiet)
    path = store.publish(coin, Scale.LAPTOP)
    assert path == checkout / "data" / "results" / "laptop" / "coin.json"
    record = published_record("coin", Scale.LAPTOP)
    assert record is not None and record.seeds == [100, 101, 102]
    assert store.published_records("coin") == [record]
    store.publish(coin, Scale.LAPTOP)  # its own file does not count as a change


def test_where_items_alone_replicate_the_one_run_is_published_without_a_seed(coin, checkout, monkeypatch):
    of_items = dataclasses.replace(coin, replicated_over="item", seeds={Scale.LAPTOP: (100,)})
    monkeypatch.setitem(base.EXPERIMENTS, "coin", of_items)
    for _ in range(2):
        run_experiment(of_items, Scale.LAPTOP, report=_quiet)
        store.publish(of_items, Scale.LAPTOP)
        record = published_record("coin", Scale.LAPTOP)
        assert record is not None and record.seeds == [] and len(record.runs) == 1


def test_smoke_is_never_published(coin, checkout):
    run_experiment(coin, Scale.SMOKE, report=_quiet)
    with pytest.raises(GptreproError, match="cannot be published"):
        store.publish(coin, Scale.SMOKE)


def test_uncommitted_changes_forbid_publishing(coin, checkout):
    run_experiment(coin, Scale.LAPTOP, report=_quiet)
    (checkout / "new.py").write_text("changed = True\n")
    with pytest.raises(GptreproError, match="uncommitted changes"):
        store.publish(coin, Scale.LAPTOP)


def test_runs_of_uncommitted_code_are_not_published_later(coin, checkout):
    extra = checkout / "new.py"
    extra.write_text("changed = True\n")
    run_experiment(coin, Scale.LAPTOP, report=_quiet)
    extra.unlink()
    with pytest.raises(GptreproError, match="ran on uncommitted code"):
        store.publish(coin, Scale.LAPTOP)


def test_missing_seeds_are_named(coin, checkout):
    run_experiment(coin, Scale.LAPTOP, seeds=[100], report=_quiet)
    with pytest.raises(GptreproError, match="has not finished seeds 101, 102"):
        store.publish(coin, Scale.LAPTOP)


def test_published_seeds_stay_when_others_join_on_another_machine(coin, checkout):
    run_experiment(coin, Scale.LAPTOP, report=_quiet)
    store.publish(coin, Scale.LAPTOP)
    first = published_record("coin", Scale.LAPTOP)
    storage.remove_folder(storage.home() / "runs")
    more = dataclasses.replace(coin, seeds=coin.seeds | {Scale.LAPTOP: (*coin.seeds[Scale.LAPTOP], 103)})
    run_experiment(more, Scale.LAPTOP, seeds=[103], report=_quiet)
    store.publish(more, Scale.LAPTOP)
    record = published_record("coin", Scale.LAPTOP)
    assert first is not None and record is not None
    assert record.seeds == [100, 101, 102, 103]
    assert record.runs[:3] == first.runs


def test_seeds_published_under_other_settings_do_not_count(coin, checkout):
    run_experiment(coin, Scale.LAPTOP, report=_quiet)
    store.publish(coin, Scale.LAPTOP)
    raised = dataclasses.replace(coin, version=coin.version + 1)
    run_experiment(raised, Scale.LAPTOP, seeds=[100], report=_quiet)
    with pytest.raises(GptreproError, match="has not finished seeds 101, 102"):
        store.publish(raised, Scale.LAPTOP)


def test_a_record_is_fresh_until_version_or_settings_change(coin, checkout):
    run_experiment(coin, Scale.LAPTOP, report=_quiet)
    record = local_record(coin, Scale.LAPTOP)
    assert stale_reason(record, coin) is None
    newer = dataclasses.replace(coin, version=2)
    assert "version 1" in stale_reason(record, newer)
    config = coin.config(Scale.LAPTOP).model_copy(update={"bias": 0.5})
    changed = dataclasses.replace(coin, configs={Scale.LAPTOP: config})
    assert "other settings" in stale_reason(record, changed)
    elsewhere = dataclasses.replace(
        coin, corpora=lambda config: [dataclasses.replace(coin.corpora(config)[0], split="heldout")]
    )
    assert "other data" in stale_reason(record, elsewhere)


class LaterConfig(CoinConfig):
    """What `CoinConfig` becomes when somebody adds a field with a default."""

    edges: int = 0


def test_a_field_that_is_added_with_a_default_leaves_records_and_runs_what_they_were(coin, checkout):
    run_experiment(coin, Scale.LAPTOP, report=_quiet)
    store.publish(coin, Scale.LAPTOP)
    record = published_record("coin", Scale.LAPTOP)
    fields = coin.config(Scale.LAPTOP).model_dump()
    later = dataclasses.replace(coin, configs={Scale.LAPTOP: LaterConfig(**fields)})
    assert record is not None and stale_reason(record, later) is None
    assert SeedRun(later, Scale.LAPTOP, 100).folder == SeedRun(coin, Scale.LAPTOP, 100).folder
    more = dataclasses.replace(later, seeds={Scale.LAPTOP: (100, 101, 102, 103)})
    run_experiment(more, Scale.LAPTOP, seeds=[103], report=_quiet)
    store.publish(more, Scale.LAPTOP)  # seeds from before and after the field stand in one record
    set_otherwise = dataclasses.replace(coin, configs={Scale.LAPTOP: LaterConfig(**fields, edges=1)})
    assert "other settings" in str(stale_reason(record, set_otherwise))
    assert SeedRun(set_otherwise, Scale.LAPTOP, 100).folder != SeedRun(coin, Scale.LAPTOP, 100).folder


def test_a_damaged_published_record_does_not_block_its_renewal(coin, checkout):
    run_experiment(coin, Scale.LAPTOP, report=_quiet)
    path = store.publish(coin, Scale.LAPTOP)
    path.write_text("{")
    store.publish(coin, Scale.LAPTOP)
    assert published_record("coin", Scale.LAPTOP) is not None


@pytest.mark.parametrize(
    ("state", "sentence"),
    [
        ("no git", "install git"),
        ("no repository", "clone it"),
        ("refused by git", "safe.directory"),
        ("yesterday", "is no commit"),
    ],
)
def test_why_no_commit_can_be_named_is_told_apart(coin, checkout, monkeypatch, state, sentence):
    run_experiment(coin, Scale.LAPTOP, report=_quiet)
    monkeypatch.setattr(store, "code_state", lambda: state)
    with pytest.raises(GptreproError, match=sentence):
        store.publish(coin, Scale.LAPTOP)


def test_a_folder_outside_version_control_is_no_repository(tmp_path, monkeypatch):
    monkeypatch.setattr(storage, "project_root", lambda: tmp_path)
    assert store.code_state() == "no repository"


@pytest.mark.parametrize(
    ("edit", "sentence"),
    [
        (lambda record: record["config"].update(bias=0.5), "changed by hand"),
        (lambda record: record["runs"][0]["rows"][0].update(value=0.1), "changed by hand"),
        (lambda record: record["runs"][0].update(commits=["f" * 40]), "changed by hand"),
        (lambda record: record.update(scale="gpu"), "changed by hand"),
        (lambda record: record["runs"][0]["rows"][0].update(value=float("nan")), "not finite"),
        (lambda record: record["runs"][0]["rows"][0].update(value=True), "needs a number"),
        (lambda record: record["runs"][0]["rows"].append(record["runs"][0]["rows"][0]), "share all"),
        (lambda record: record.update(surprise=1), "surprise"),
        (lambda record: record.update(layout=99), "layout 99"),
    ],
)
def test_an_edited_record_is_refused(coin, checkout, edit, sentence):
    run_experiment(coin, Scale.LAPTOP, report=_quiet)
    path = store.publish(coin, Scale.LAPTOP)
    content = json.loads(path.read_text())
    edit(content)
    path.write_text(json.dumps(content))
    with pytest.raises(GptreproError, match=sentence):
        read_record(path)


def test_half_a_record_is_refused(coin, checkout):
    run_experiment(coin, Scale.LAPTOP, report=_quiet)
    path = store.publish(coin, Scale.LAPTOP)
    path.write_text(path.read_text()[:100])
    with pytest.raises(GptreproError, match="not valid JSON"):
        read_record(path)


def test_too_large_a_record_is_refused(coin, checkout, monkeypatch):
    run_experiment(coin, Scale.LAPTOP, report=_quiet)
    monkeypatch.setattr(store, "MAX_PUBLISHED_BYTES", 100)
    with pytest.raises(GptreproError, match="keep fewer rows"):
        store.publish(coin, Scale.LAPTOP)
    assert not store.published_path("coin", Scale.LAPTOP).exists()
