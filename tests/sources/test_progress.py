"""Progress goes to standard error: one line where there is no terminal."""

from __future__ import annotations

import pytest

from gptrepro.sources.progress import progress


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
