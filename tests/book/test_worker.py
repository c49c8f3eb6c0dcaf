from __future__ import annotations

import json
from io import StringIO
from pathlib import Path

from gptrepro.book import worker
from gptrepro.book.notebooks import read_notebook

from .conftest import write_notebook


def test_it_says_each_cell_and_writes_the_result(tmp_path: Path) -> None:
    path, target, channel = (
        write_notebook(tmp_path / "n.ipynb", "40 + 2"),
        tmp_path / "out/n.ipynb",
        StringIO(),
    )
    assert worker.main(str(path), str(target), channel) == 0
    said = [json.loads(line) for line in channel.getvalue().splitlines()]
    assert said == [{"cell": number, "of": 3} for number in (1, 2, 3)]
    assert read_notebook(target).cells[-1].outputs[0].data["text/plain"] == "42"


def test_it_says_what_went_wrong_and_writes_nothing(tmp_path: Path) -> None:
    path, target, channel = write_notebook(tmp_path / "n.ipynb", "1 / 0"), tmp_path / "out.ipynb", StringIO()
    assert worker.main(str(path), str(target), channel) == 1
    last = json.loads(channel.getvalue().splitlines()[-1])
    assert "ZeroDivisionError" in last["error"]
    assert "1 / 0" in last["details"]
    assert not target.exists()
