"""What a person sees: plain lines where there is no terminal."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from gptrepro.train import progress
from gptrepro.train.progress import TrainingDisplay


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[float]]:
    """The time, as a number that the test moves on."""
    now = [100.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
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
