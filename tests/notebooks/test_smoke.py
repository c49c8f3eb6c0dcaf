"""Every notebook runs from nothing at smoke scale: no records, training included."""

from __future__ import annotations

from pathlib import Path

import pytest

from gptrepro import storage
from gptrepro.book import execute_notebook
from gptrepro.book.homes import fresh_home
from gptrepro.book.notebooks import read_notebook, used_names

pytestmark = pytest.mark.slow


def test_notebook_runs_what_is_missing(notebook: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with fresh_home() as variables:
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("TORCHDYNAMO_DISABLE", "1")  # eager: compiling takes longer than running here
        asked = {"SCALE": "smoke", "RUN": "missing"}
        used = used_names(read_notebook(notebook), asked)
        executed = execute_notebook(notebook, parameters={name: asked[name] for name in used})
        records = list((storage.home() / "runs" / "smoke").glob("**/record.json"))
    code = [cell.source for cell in executed.cells if cell.cell_type == "code"]
    assert any("obtain(" in source for source in code) == bool(records)
