"""What a person sees: bars on a terminal, and plain lines where there is none."""

from __future__ import annotations

import io
from collections.abc import Iterator

import pytest
from rich.console import Console

from gptrepro import progress as module
from gptrepro.progress import BuildDisplay, TrainingDisplay, progress


def test_one_line_without_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    with progress("Encoding [books]", 5_800_000) as advance:
        for _ in range(100):
            advance(58_000)
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err == "Encoding [books] (5.8 MB)\n"


@pytest.mark.parametrize(("unit", "shown"), [("bytes", "2.0/2.0 kB"), ("files", "2000/2000")])
def test_a_bar_in_a_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, unit: str, shown: str
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "120")
    with progress("Fetching", 2000, unit="files" if unit == "files" else "bytes") as advance:
        advance(2000)
    assert shown in capsys.readouterr().err


def test_a_notebook_does_not_take_progress_for_an_output(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rich.console._is_jupyter", lambda: True)
    with progress("Fetching", 2_000_000):
        pass
    assert capsys.readouterr().err == "Fetching (2.0 MB)\n"


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[float]]:
    """The time, as a number that the test moves on."""
    now = [100.0]
    monkeypatch.setattr(module.time, "monotonic", lambda: now[0])
    yield now


def test_a_plain_line_every_thirty_seconds(clock: list[float], capsys: pytest.CaptureFixture[str]) -> None:
    with TrainingDisplay("books", step=100, steps=1100) as display:
        for step in range(101, 171):
            clock[0] += 1.0
            display.update(step, 4096, loss=3.21, how="cpu, fp32")
    lines = capsys.readouterr().err.splitlines()
    assert lines == [
        "books (cpu, fp32): step 130 of 1,100, loss 3.210, 4,096 tokens/s, 16 min 10 s left",
        "books (cpu, fp32): step 160 of 1,100, loss 3.210, 4,096 tokens/s, 15 min 40 s left",
    ]


def test_a_loss_that_is_not_known_yet_is_not_shown(
    clock: list[float], capsys: pytest.CaptureFixture[str]
) -> None:
    with TrainingDisplay("books", step=0, steps=2) as display:
        clock[0] += 60.0
        display.update(1, 600, loss=float("nan"))
    assert capsys.readouterr().err == "books: step 1 of 2, 10 tokens/s, 1 min 00 s left\n"


def test_hours_are_named_as_such(clock: list[float], capsys: pytest.CaptureFixture[str]) -> None:
    with TrainingDisplay("books", step=0, steps=101) as display:
        clock[0] += 120.0
        display.update(1, 4096, loss=3.21)
    assert capsys.readouterr().err.endswith("34 tokens/s, 3 h 20 min left\n")


def test_it_can_be_silent(clock: list[float], capsys: pytest.CaptureFixture[str]) -> None:
    with TrainingDisplay("books", step=0, steps=10, visible=False) as display:
        clock[0] += 60.0
        display.update(1, 4096, loss=3.21)
    assert capsys.readouterr() == ("", "")


def test_a_terminal_gets_a_bar(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "120")
    with TrainingDisplay("books", step=0, steps=10) as display:
        for step in range(1, 11):
            display.update(step, 4096, loss=2.5)
    shown = capsys.readouterr().err
    assert "10/10" in shown
    assert "loss 2.500" in shown


@pytest.fixture
def log() -> io.StringIO:
    """What ``report`` has said."""
    return io.StringIO()


@pytest.fixture
def report(log: io.StringIO) -> BuildDisplay:
    """Progress that goes into ``log``, as into any file."""
    return BuildDisplay(Console(file=log, soft_wrap=True, highlight=False, width=200))


def test_a_log_gets_a_line_at_the_start_the_end_and_at_times(
    report: BuildDisplay, log: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = iter([0.0, 1.0, 6.0, 7.0, 9.0])
    monkeypatch.setattr(module.time, "monotonic", lambda: next(clock))
    with report, report.notebook("a/1.ipynb") as followed:
        for number in (1, 2, 3):
            followed.cell(number, 3)
        followed.done()
    assert log.getvalue().splitlines() == [
        "  a/1.ipynb: starting",
        "  a/1.ipynb: cell 2 of 3, 6 s",
        "  a/1.ipynb: done, 9 s",
    ]


def test_a_notebook_that_is_not_done_has_failed(report: BuildDisplay, log: io.StringIO) -> None:
    with report, pytest.raises(RuntimeError), report.notebook("a/1.ipynb"):
        raise RuntimeError
    assert "a/1.ipynb: failed" in log.getvalue()


def test_a_terminal_shows_notebook_cell_and_time() -> None:
    screen = io.StringIO()
    console = Console(file=screen, force_terminal=True, width=120)
    with BuildDisplay(console) as report, report.notebook("a/1.ipynb") as followed:
        followed.cell(2, 5)
        report.bars.refresh()
    assert "cell 2 of 5" in screen.getvalue()
    assert "0:00:0" in screen.getvalue()


def test_brackets_are_not_markup(report: BuildDisplay, log: io.StringIO) -> None:
    report.say("KeyError: '[bold]'")
    assert log.getvalue() == "KeyError: '[bold]'\n"
