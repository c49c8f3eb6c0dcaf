from __future__ import annotations

import io

import pytest
from rich.console import Console

from gptrepro.book import progress
from gptrepro.book.progress import Report


def test_a_log_gets_a_line_at_the_start_the_end_and_at_times(
    report: Report, log: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = iter([0.0, 1.0, 6.0, 7.0, 9.0])
    monkeypatch.setattr(progress.time, "monotonic", lambda: next(clock))
    with report, report.notebook("a/1.ipynb") as followed:
        for number in (1, 2, 3):
            followed.cell(number, 3)
        followed.done()
    assert log.getvalue().splitlines() == [
        "  a/1.ipynb: starting",
        "  a/1.ipynb: cell 2 of 3, 6 s",
        "  a/1.ipynb: done, 9 s",
    ]


def test_a_notebook_that_is_not_done_has_failed(report: Report, log: io.StringIO) -> None:
    with report, pytest.raises(RuntimeError), report.notebook("a/1.ipynb"):
        raise RuntimeError
    assert "a/1.ipynb: failed" in log.getvalue()


def test_a_terminal_shows_notebook_cell_and_time() -> None:
    screen = io.StringIO()
    console = Console(file=screen, force_terminal=True, width=120)
    with Report(console) as report, report.notebook("a/1.ipynb") as followed:
        followed.cell(2, 5)
        report.live.refresh()
    assert "cell 2 of 5" in screen.getvalue()
    assert "0:00:0" in screen.getvalue()


def test_brackets_are_not_markup(report: Report, log: io.StringIO) -> None:
    report.say("KeyError: '[bold]'")
    assert log.getvalue() == "KeyError: '[bold]'\n"
