"""The command, run in this process."""

from __future__ import annotations

import pytest

from gptrepro import cli


@pytest.fixture
def gptrepro(monkeypatch, capsys, tmp_path):
    """Run the command with some arguments; returns exit status, output and error output."""
    monkeypatch.setenv("GPTREPRO_HOME", str(tmp_path))

    def call(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.argv", ["gptrepro", *arguments])
        try:
            cli.main()
            status = 0
        except SystemExit as exit_:
            status = int(exit_.code or 0)
        captured = capsys.readouterr()
        return status, captured.out, captured.err

    return call
