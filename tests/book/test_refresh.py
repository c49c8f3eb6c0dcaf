from __future__ import annotations

from pathlib import Path

import pytest

from gptrepro.book import refresh
from gptrepro.book.notebooks import INSTALL, read_notebook
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


def test_a_notebook_learns_where_to_install_the_library_from(small_book: Path) -> None:
    config = small_book / "_config.yml"
    before = config.read_text()
    for owner in ("one", "another"):  # the second time the cell is there already
        config.write_text(f"{before}repository:\n  url: https://github.com/{owner}/book\n")
        assert len(refresh(small_book, ["a/01"])) == 1
        cells = read_notebook(small_book / "notebooks/a/01-first.ipynb").cells
        assert [cell.id for cell in cells] == ["title", INSTALL, "parameters", "code-0"]
        assert f"gptrepro[book] @ git+https://github.com/{owner}/book" in cells[1].source
        assert cells[1].outputs == []
        assert "remove-cell" in cells[1].metadata.tags
    assert refresh(small_book, ["a/01"]) == []


def test_an_output_with_the_folder_it_ran_in_is_refused(small_book: Path) -> None:
    write_notebook(small_book / "notebooks/a/01-first.ipynb", "import os\nprint(os.getcwd())")
    with pytest.raises(GptreproError, match="a path of this machine"):
        refresh(small_book, ["a/01"])
