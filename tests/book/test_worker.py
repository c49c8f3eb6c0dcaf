from __future__ import annotations

import json
from pathlib import Path

import pytest

from gptrepro.book import worker
from gptrepro.book.notebooks import read_notebook

from .conftest import write_notebook


def test_it_says_each_cell_and_writes_the_result(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, target = write_notebook(tmp_path / "n.ipynb", "40 + 2"), tmp_path / "out/n.ipynb"
    assert worker.main(str(path), str(target)) == 0
    said = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert said == [{"cell": number, "of": 3} for number in (1, 2, 3)]
    assert read_notebook(target).cells[-1].outputs[0].data["text/plain"] == "42"


def test_it_says_what_went_wrong_and_writes_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, target = write_notebook(tmp_path / "n.ipynb", "1 / 0"), tmp_path / "out.ipynb"
    assert worker.main(str(path), str(target)) == 1
    last = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert "ZeroDivisionError" in last["error"]
    assert "1 / 0" in last["details"]
    assert not target.exists()
