"""Runs stop, resume and end in one record a seed; notebooks obtain records under their RUN policy."""

from __future__ import annotations

import json
import shutil
import time
from dataclasses import replace

import pytest

from gptrepro.errors import GptreproError
from gptrepro.experiments import base
from gptrepro.experiments.base import CorpusRef
from gptrepro.results import local_record, obtain, pieces, progress_of, run_experiment, run_experiments, store
from gptrepro.results.store import SeedRun
from gptrepro.scales import Scale


def test_units_go_on_until_every_seed_has_a_record(coin):
    said: list[str] = []
    assert run_experiment(coin, Scale.LAPTOP, report=said.append)
    record = local_record(coin, Scale.LAPTOP)
    assert record is not None and record.seeds == [100, 101, 102]
    assert sum("unit over" in line for line in said) == 6  # three seeds of three units, the last one finishes
    assert record.values(score="nll", fraction=0.5) == [2.1, 2.101, 2.102]
    assert record.mean(score="nll", fraction=0.5) == pytest.approx(2.101)
    assert record.data[0].tier in ("package", "mirror", "origin")


def test_a_finished_seed_is_not_run_again_unless_asked(coin):
    run_experiment(coin, Scale.SMOKE, report=lambda _: None)
    said: list[str] = []
    run_experiment(coin, Scale.SMOKE, report=said.append)
    assert said == ["coin smoke seed 100: already finished"]
    run_experiment(coin, Scale.SMOKE, again=True, report=said.append)
    assert "finished in" in said[-1]


def test_time_that_is_up_leaves_the_rest_for_the_next_call(coin):
    assert not run_experiment(coin, Scale.LAPTOP, seconds=0.0, report=lambda _: None)
    assert local_record(coin, Scale.LAPTOP) is None
    assert [state.state for state in progress_of(coin, Scale.LAPTOP)] == ["not started"] * 3
    assert run_experiment(coin, Scale.LAPTOP, report=lambda _: None)
    assert {state.state for state in progress_of(coin, Scale.LAPTOP)} == {"finished"}


def test_what_a_failed_unit_took_counts_in_the_record(coin):
    def failing(config, unit):
        raise GptreproError("no luck")

    with pytest.raises(GptreproError, match="no luck"):
        run_experiment(replace(coin, measure=failing), Scale.SMOKE, report=lambda _: None)
    clock = SeedRun(coin, Scale.SMOKE, 100).folder / "units.json"
    assert json.loads(clock.read_text())["seconds"] > 0
    clock.write_text('{"seconds": 1000, "commits": ["a"]}')
    run_experiment(coin, Scale.SMOKE, report=lambda _: None)
    record = local_record(coin, Scale.SMOKE)
    assert record is not None and record.runs[0].wall_seconds >= 1000


def test_a_seed_keeps_the_rules_that_it_began_under(coin, monkeypatch):
    """Rules that change while a seed runs are not those that it was run for."""
    stated = iter([{"claim": "a" * 64}, {"claim": "b" * 64}])
    monkeypatch.setattr(pieces, "rules_on", lambda name: next(stated))
    assert run_experiment(coin, Scale.LAPTOP, seeds=[100, 101], report=lambda _: None)  # three units each
    record = local_record(coin, Scale.LAPTOP)
    assert record is not None
    assert [run.rules for run in record.runs] == [{"claim": "a" * 64}, {"claim": "b" * 64}]


def test_a_seed_that_began_before_rules_were_kept_does_not_claim_those_of_today(coin):
    run = SeedRun(coin, Scale.SMOKE, 100)
    run.folder.mkdir(parents=True)
    (run.folder / "units.json").write_text('{"seconds": 1, "commits": ["a"]}')
    run_experiment(coin, Scale.SMOKE, report=lambda _: None)
    assert run.record is not None and run.record.runs[0].rules is None
    assert '"rules"' not in run.record_path.read_text()


def test_an_interrupted_seed_is_shown_as_started(coin):
    SeedRun(coin, Scale.LAPTOP, 101).folder.mkdir(parents=True)
    assert [state.state for state in progress_of(coin, Scale.LAPTOP)] == [
        "not started",
        "started",
        "not started",
    ]


def test_what_an_experiment_builds_on_runs_first_and_its_folder_is_named(coin, monkeypatch):
    seen: dict[int, str] = {}

    def measure(config, unit):
        seen[unit.seed] = (unit.sources["coin"] / "counter").read_text()
        return coin.measure(config.model_copy(update={"flips": 1}), unit)

    heads = replace(
        coin, name="heads", measure=measure, builds_on=lambda seed: {"coin": 100 + (seed - 100) % 2}
    )
    monkeypatch.setitem(base.EXPERIMENTS, "heads", heads)
    assert not run_experiment(heads, Scale.LAPTOP, seconds=0.0, report=lambda _: None)
    assert not seen
    assert run_experiment(heads, Scale.LAPTOP, report=lambda _: None)
    assert seen == {100: "3", 101: "3", 102: "3"}
    assert [state.state for state in progress_of(coin, Scale.LAPTOP)] == [
        "finished",
        "finished",
        "not started",
    ]


def test_what_fails_leaves_the_others_to_go_on_and_is_named_at_the_end(coin, monkeypatch):
    def failing(config, unit):
        raise GptreproError(f"no luck with {unit.seed}")

    edge = replace(coin, name="edge", measure=failing)
    heads = replace(coin, name="heads", builds_on=lambda seed: {"edge": seed})
    for experiment in (edge, heads):
        monkeypatch.setitem(base.EXPERIMENTS, experiment.name, experiment)
    with pytest.raises(GptreproError, match=r"3 pieces failed.* \[edge laptop seed 101\] no luck with 101"):
        run_experiments([heads, coin], Scale.LAPTOP, report=lambda _: None)
    states = {each.name: {one.state for one in progress_of(each, Scale.LAPTOP)} for each in (heads, coin)}
    assert states == {"heads": {"not started"}, "coin": {"finished"}}


def test_missing_data_is_named_before_what_it_builds_on_is_trained(coin, monkeypatch, use_catalogue):
    use_catalogue(
        {"title": "Nowhere", "licence": "none", "paper": "none", "format": "lines", "style": "as-is"}
        | {
            "splits": {
                "test": {"bytes": 1, "file_sets": [{"mirror": "no/{name}", "files": {"one": "0" * 64}}]}
            }
        }
    )
    heads = replace(
        coin,
        name="heads",
        corpora=lambda config: [CorpusRef("plays", "train"), CorpusRef("nowhere", "test")],
        builds_on=lambda seed: {"coin": seed},
    )
    tails = replace(coin, name="tails", builds_on=lambda seed: {"heads": seed})
    for experiment in (heads, tails):
        monkeypatch.setitem(base.EXPERIMENTS, experiment.name, experiment)
    for experiment in (heads, tails):
        said: list[str] = []
        with pytest.raises(GptreproError, match=r"No tier can serve nowhere \(test\)"):
            run_experiment(experiment, Scale.LAPTOP, report=said.append)
        assert not said
        assert {state.state for state in progress_of(coin, Scale.LAPTOP)} == {"not started"}


def test_obtain_follows_the_run_policy(coin):
    assert obtain("coin", scale="smoke", run="never") is None
    first = obtain("coin", scale="smoke", run="missing")
    assert first is not None
    path = SeedRun(coin, Scale.SMOKE, 100).folder / "record.json"
    written = path.stat().st_mtime_ns
    obtain("coin", scale="smoke", run="missing")
    assert path.stat().st_mtime_ns == written
    time.sleep(0.01)
    obtain("coin", scale="smoke", run="always")
    assert path.stat().st_mtime_ns > written


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"name": "coin", "scale": "smoke", "run": "sometimes"}, "RUN must be"),
        ({"name": "coin", "scale": "galaxy"}, "no scale 'galaxy'"),
        ({"name": "coyn", "scale": "smoke"}, "did you mean coin"),
        ({"name": "coin", "scale": "gpu"}, "does not run at scale 'gpu'"),
    ],
)
def test_obtain_explains_what_is_wrong(coin, arguments, sentence):
    with pytest.raises(GptreproError, match=sentence):
        obtain(**arguments)


def test_the_state_of_the_code_is_taken_when_a_unit_begins(coin, monkeypatch):
    states = iter(["a" * 40, "b" * 40, "b" * 40, "c" * 40])
    monkeypatch.setattr(store, "code_state", lambda: next(states))
    run_experiment(coin, Scale.LAPTOP, seeds=[100], report=lambda _: None)  # three units, asked once before
    record = SeedRun(coin, Scale.LAPTOP, 100).record
    assert record is not None and record.runs[0].commits == ["b" * 40, "c" * 40]


def test_a_tree_that_cannot_be_published_from_is_said_at_the_start(coin, monkeypatch):
    monkeypatch.setattr(store, "code_state", lambda: "a" * 40 + store.UNCOMMITTED)
    said: list[str] = []
    run_experiment(coin, Scale.LAPTOP, seconds=0.0, report=said.append)
    assert "uncommitted changes" in said[0]


@pytest.mark.parametrize("content", ["", "{", "null", "[]"], ids=repr)
def test_a_seed_whose_record_cannot_be_read_has_not_finished(coin, content):
    run_experiment(coin, Scale.SMOKE, report=lambda _: None)
    run = SeedRun(coin, Scale.SMOKE, 100)
    run.record_path.write_text(content)
    assert run.record is None and local_record(coin, Scale.SMOKE) is None
    assert run_experiment(coin, Scale.SMOKE, report=lambda _: None)
    assert run.record is not None


def test_the_record_of_another_seed_does_not_count(coin):
    run_experiment(coin, Scale.LAPTOP, seeds=[100], report=lambda _: None)
    there, here = (SeedRun(coin, Scale.LAPTOP, seed) for seed in (100, 101))
    here.folder.mkdir()
    shutil.copy(there.record_path, here.record_path)
    assert here.record is None


def test_code_that_nobody_can_name_is_not_gone_on_with(coin):
    run_experiment(coin, Scale.LAPTOP, seconds=0.0, report=lambda _: None)
    run = SeedRun(coin, Scale.LAPTOP, 100)
    run.folder.mkdir(parents=True)
    (run.folder / "units.json").write_text("[1")
    with pytest.raises(GptreproError, match="nobody knows which code"):
        run_experiment(coin, Scale.LAPTOP, report=lambda _: None)
    assert run_experiment(coin, Scale.LAPTOP, again=True, report=lambda _: None)


def test_again_leaves_a_seed_alone_that_another_process_runs(coin):
    run = SeedRun(coin, Scale.SMOKE, 100)
    run_experiment(coin, Scale.SMOKE, report=lambda _: None)
    with run.held(), pytest.raises(GptreproError, match="Another process is running coin smoke seed 100"):
        run_experiment(coin, Scale.SMOKE, again=True, report=lambda _: None)
    assert run.record is not None
