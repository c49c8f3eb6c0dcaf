from __future__ import annotations

from pathlib import Path

import pytest

from gptrepro import storage
from gptrepro.book import status
from gptrepro.book.contents import Contents
from gptrepro.book.execute import note_execution
from gptrepro.experiments import EXPERIMENTS
from gptrepro.experiments.base import Experiment
from gptrepro.results import read_record
from gptrepro.results.store import UNCOMMITTED

from .conftest import write_notebook

COMMIT = "0123456789abcdef0123456789abcdef01234567"
NAME = Path("notebooks/a/01-first.ipynb")
BOOK = Contents((Path("book/index.md"), NAME), repository="https://github.com/someone/book")


@pytest.fixture
def executed(tmp_path: Path) -> Path:
    """A folder with one executed notebook of two assertions, which took 75 seconds."""
    write_notebook(tmp_path / NAME, "x = 1\nassert x", "for i in [1]:\n    assert i, 'no'")
    note_execution(tmp_path / NAME, 75.4)
    return tmp_path


@pytest.fixture
def state(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What git says about the work tree; change its only element."""
    said = [COMMIT]
    monkeypatch.setattr(status, "code_state", lambda: said[0])
    return said


def row(page: str, start: str, scale: str | None = None) -> list[str]:
    """The cells of the table row that begins with ``start`` and, if one is given, has that scale."""
    lines = [line for line in page.splitlines() if line.startswith(f"| {start}")]
    found = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]
    [cells] = [cells for cells in found if scale is None or cells[2] == scale]
    return cells


def test_a_notebook_is_listed_with_result_checks_and_time(executed: Path, state: list[str]) -> None:
    cells = row(status.status_page(BOOK, executed), "[01-first]")
    assert cells[0] == "[01-first](../notebooks/a/01-first.ipynb)"
    assert "ran to its end" in cells[2]
    assert cells[3:5] == ["2", "75\N{NO-BREAK SPACE}s"]


def test_stored_outputs_are_not_said_to_have_been_made_here(executed: Path, state: list[str]) -> None:
    page = status.status_page(BOOK, executed, stored=True)
    assert row(page, "[01-first]")[2] == "as stored"
    assert "**not executed**" in page and "were executed" not in page


def test_a_lost_note_leaves_the_time_open(executed: Path, state: list[str]) -> None:
    (executed / NAME).with_suffix(".execution.json").write_text("{")
    assert row(status.status_page(BOOK, executed), "[01-first]")[4:] == ["", ""]


def test_the_commit_is_linked_and_changes_are_admitted(executed: Path, state: list[str]) -> None:
    page = status.status_page(BOOK, executed)
    assert f"[`01234567`](https://github.com/someone/book/commit/{COMMIT})" in page
    assert "**clean**" in page
    state[0] = COMMIT + UNCOMMITTED
    page = status.status_page(BOOK, executed)
    assert "**uncommitted changes**" in page and "**clean**" not in page
    state[0] = "no repository"
    assert "no commit can be named" in status.status_page(BOOK, executed)


def test_no_place_or_host_of_this_machine_is_named(executed: Path, state: list[str]) -> None:
    import socket

    page = status.status_page(BOOK, executed)
    for place in (executed, storage.home(), storage.project_root(), Path.home(), socket.gethostname()):
        assert f"{place}" not in page


def test_every_published_record_is_listed_and_a_stale_one_says_how_to_renew_it(
    executed: Path, state: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = sorted((storage.project_root() / "data" / "results").glob("*/*.json"))
    assert paths
    page = status.status_page(BOOK, executed)
    for path in paths:
        record = read_record(path)
        cells = row(page, f"`{record.experiment}`", scale=record.scale)
        assert cells[3] == ", ".join(map(str, record.seeds))
        assert record.runs[0].commits[0][:8] in cells[6]

    record = read_record(paths[0])
    experiment: Experiment[object] = EXPERIMENTS[record.experiment]
    newer = {field: getattr(experiment, field) for field in experiment.__dataclass_fields__}
    newer["version"] += 1
    monkeypatch.setitem(EXPERIMENTS, record.experiment, Experiment(**newer))
    cells = row(status.status_page(BOOK, executed), f"`{record.experiment}`", record.scale)
    assert "stale" in cells[1] and f"`gptrepro run {record.experiment} --scale" in cells[1]
    monkeypatch.delitem(EXPERIMENTS, record.experiment)
    cells = row(status.status_page(BOOK, executed), f"`{record.experiment}`", record.scale)
    assert "no longer exists" in cells[1]


def test_an_experiment_without_a_record_says_how_to_make_one(
    executed: Path, state: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(EXPERIMENTS, "never-run", next(iter(EXPERIMENTS.values())))
    page = status.status_page(BOOK, executed)
    assert row(page, "`never-run`")[1] == "`gptrepro run never-run && gptrepro publish never-run`"


@pytest.mark.parametrize(("seconds", "text"), [(4.4, "4 s"), (89, "89 s"), (600, "10 min"), (9000, "2.5 h")])
def test_durations_read_well(seconds: float, text: str) -> None:
    assert status._duration(seconds).replace("\N{NO-BREAK SPACE}", " ") == text
