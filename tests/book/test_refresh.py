from __future__ import annotations

from pathlib import Path

import pytest

from gptrepro.book import refresh
from gptrepro.book.notebooks import read_notebook
from gptrepro.errors import GptreproError

from .conftest import write_notebook


def test_it_stores_outputs_and_names_what_changed(small_book: Path) -> None:
    assert [path.name for path in refresh(small_book, ["a/01"])] == ["01-first.ipynb"]
    first, second = (read_notebook(path) for path in sorted((small_book / "notebooks/a").iterdir()))
    assert first.cells[-1].outputs[0].text == "laptop\n"
    assert "papermill" not in first.metadata
    assert second.cells[-1].outputs == []
    assert refresh(small_book, ["a/01"]) == []


def test_it_sees_no_local_records(small_book: Path) -> None:
    code = "print(sorted(os.listdir(os.environ['GPTREPRO_HOME'])))"
    write_notebook(small_book / "notebooks/a/01-first.ipynb", f"import os\n{code}")
    refresh(small_book, ["01-first"])
    first = read_notebook(small_book / "notebooks/a/01-first.ipynb")
    assert first.cells[-1].outputs[0].text == "['packages']\n"


@pytest.mark.parametrize(
    ("code", "message"), [("print(object())", "a memory address"), ("1 / 0", "ZeroDivisionError")]
)
def test_it_writes_nothing_unless_all_is_well(small_book: Path, code: str, message: str) -> None:
    write_notebook(small_book / "notebooks/a/02-second.ipynb", code)
    before = (small_book / "notebooks/a/01-first.ipynb").read_bytes()
    with pytest.raises(GptreproError, match=message):
        refresh(small_book)
    assert (small_book / "notebooks/a/01-first.ipynb").read_bytes() == before


def test_a_part_that_matches_nothing_is_an_error(small_book: Path) -> None:
    with pytest.raises(GptreproError, match=r"No notebook of _toc.yml matches gpt7"):
        refresh(small_book, ["gpt7"])
