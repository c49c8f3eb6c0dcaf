"""Campaigns: what fails, is cut or is killed leaves all else finished, and the same call goes on."""

from __future__ import annotations

import os
import re
import signal
import threading
import time
from concurrent.futures import Executor
from dataclasses import replace

import pytest

from gptrepro.errors import GptreproError
from gptrepro.experiments import base, find_experiment
from gptrepro.experiments.base import Config, Measurement, row
from gptrepro.results import campaign, run_experiments, store
from gptrepro.results.pieces import pieces_of
from gptrepro.results.store import SeedRun
from gptrepro.scales import Scale


class Words(Config):
    words: tuple[str, ...]

    def parts(self):
        return {word: Words(words=(word,)) for word in self.words}


@pytest.fixture
def words(coin, monkeypatch):
    """Two seeds on top of ``coin``, with a part for each word; ``fails`` names words that do not come out.

    Instead of other processes, this one does each piece.
    """
    monkeypatch.setattr(campaign, "_process", lambda jobs: campaign._Here())
    fails: set[str] = set()

    def measure(config, unit):
        assert (unit.sources["coin"] / "record.json").exists()
        for word in config.words:
            if word in fails:
                raise GptreproError(f"no {word}")
            with (unit.folder / word).with_suffix(".txt").open("a") as file:
                file.write("x")
        written = [(unit.folder / word).with_suffix(".txt").read_text() for word in config.words]
        return Measurement([row(len("".join(written)), "letters")], [], 1, 1.0, "b" * 64)

    bare = replace(coin, corpora=lambda config: [])
    experiment = replace(
        bare,
        name="words",
        configs={Scale.SMOKE: Words(words=("one", "two", "three"))},
        seeds={Scale.SMOKE: (100, 101)},
        builds_on=lambda seed: {"coin": 100},
        measure=measure,
    )
    for each in (bare, experiment):
        monkeypatch.setitem(base.EXPERIMENTS, each.name, each)
    return experiment, fails


def seeds_of(experiment):
    return [SeedRun(experiment, Scale.SMOKE, seed) for seed in (100, 101)]


def test_each_part_is_done_once_before_its_seed_is_measured(words):
    experiment, _ = words
    order = [
        (piece.run.experiment.name, piece.run.seed, piece.part)
        for piece in pieces_of(seeds_of(experiment), apart=True)
    ]
    assert order[0] == ("coin", 100, None) and len(order) == 9
    assert run_experiments([experiment], Scale.SMOKE, jobs=2, report=lambda _: None)
    # A letter by the part, and another when the seed is measured.
    assert [run.record.values(score="letters") for run in seeds_of(experiment)] == [[6.0], [6.0]]


def test_after_a_failure_the_same_call_goes_on_with_what_is_left(words):
    experiment, fails = words
    fails.add("two")
    with pytest.raises(GptreproError, match=r"2 pieces failed.*\[words smoke seed 100, two\] no two"):
        run_experiments([experiment], Scale.SMOKE, jobs=2, report=lambda _: None)
    assert SeedRun(base.EXPERIMENTS["coin"], Scale.SMOKE, 100).record is not None
    left = pieces_of(seeds_of(experiment), apart=True)
    assert [piece.part for piece in left] == ["two", None, "two", None]
    fails.clear()
    assert run_experiments([experiment], Scale.SMOKE, jobs=2, report=lambda _: None)


def test_after_a_cut_the_same_call_goes_on(words):
    experiment, _ = words
    said: list[str] = []
    assert not run_experiments([experiment], Scale.SMOKE, jobs=2, seconds=0.0, report=said.append)
    assert said == ["9 more not started: time is up; the same command goes on from here"]
    assert run_experiments([experiment], Scale.SMOKE, jobs=2, report=lambda _: None)


def test_a_record_names_the_code_of_all_parts(words, monkeypatch):
    experiment, _ = words
    states = iter(["a" * 40] * 4 + ["b" * 40] * 9)  # asked once before; then coin and two parts of three
    monkeypatch.setattr(store, "code_state", lambda: next(states))
    run_experiments([experiment], Scale.SMOKE, seeds=[100], jobs=2, report=lambda _: None)
    (run, _) = seeds_of(experiment)
    assert run.record is not None and run.record.runs[0].commits == ["a" * 40, "b" * 40]


def test_no_process_waits_for_a_piece_where_nobody_would_notice_its_end(words, monkeypatch):
    experiment, _ = words
    used: list[Executor] = []

    class Once(campaign._Here):
        alive = True

        def submit(self, call, /, *args):
            assert self not in used
            used.append(self)
            return super().submit(call, *args)

        def shutdown(self, wait=True, *, cancel_futures=False):
            self.alive = False

    monkeypatch.setattr(campaign, "_process", lambda jobs: Once())
    assert run_experiments([experiment], Scale.SMOKE, jobs=2, report=lambda _: None)
    assert len(used) == 9 and not any(each.alive for each in used)


@pytest.mark.stress
def test_a_process_that_is_killed_loses_its_piece_alone(monkeypatch, tmp_path):
    monkeypatch.setenv("GPTREPRO_HOME", str(tmp_path))
    positions = find_experiment("background-positions")

    def kill_one():
        while not (begun := re.search(r"in process (\d+)", logged())):
            time.sleep(0.05)
        os.kill(int(begun[1]), signal.SIGKILL)

    def logged():
        return "".join(path.read_text() for path in tmp_path.glob("runs/smoke/*/*/*/parts/*/log.txt"))

    threading.Thread(target=kill_one, daemon=True).start()
    with pytest.raises(GptreproError, match="ended from outside"):
        run_experiments([positions], Scale.SMOKE, jobs=2, report=lambda _: None)
    left = pieces_of([SeedRun(positions, Scale.SMOKE, 100)], apart=True)
    assert len(left) == 2  # what was killed, and the seed that needs it
    assert run_experiments([positions], Scale.SMOKE, jobs=2, report=lambda _: None)
