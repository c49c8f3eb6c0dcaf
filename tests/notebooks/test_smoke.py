"""Every notebook that reports experiments runs from nothing at smoke scale: no records, training included.

The others do the same at every scale, which tests/notebooks/test_stored_outputs.py runs.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from gptrepro import storage
from gptrepro.book import execute_notebook, read_contents
from gptrepro.book.homes import fresh_home

from .conftest import ROOT

pytestmark = pytest.mark.slow

REPORTING = [
    name for name in read_contents(ROOT).notebooks if "obtain(" in (ROOT / name).read_text(encoding="utf-8")
]


@pytest.mark.parametrize("name", REPORTING, ids=lambda name: f"{name.parent.name}/{name.stem}")
def test_notebook_runs_what_is_missing(name: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with fresh_home() as variables:
        for variable, value in variables.items():
            monkeypatch.setenv(variable, value)
        monkeypatch.setenv("TORCHDYNAMO_DISABLE", "1")  # eager: compiling takes longer than running here
        execute_notebook(ROOT / name, parameters={"SCALE": "smoke", "RUN": "missing"})
        assert list((storage.home() / "runs" / "smoke").glob("**/record.json"))
