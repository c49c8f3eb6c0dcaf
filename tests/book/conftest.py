"""Small books to build: a checkout with two notebooks that need nothing but a kernel."""

from __future__ import annotations

import io
from pathlib import Path

import nbformat
import pytest
from rich.console import Console

from gptrepro.progress import BuildDisplay

KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}
PARAMETERS = 'SCALE = "laptop"\nRUN = "never"'


def write_notebook(path: Path, *code: str, parameters: str | None = PARAMETERS) -> Path:
    """Write a notebook with a title, a parameters cell unless it is None, and cells of code."""
    cells = [nbformat.v4.new_markdown_cell(f"# {path.stem}", id="title")]
    if parameters is not None:
        tags = {"tags": ["parameters"]}
        cells.append(nbformat.v4.new_code_cell(parameters, id="parameters", metadata=tags))
    cells += [nbformat.v4.new_code_cell(text, id=f"code-{number}") for number, text in enumerate(code)]
    notebook = nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": KERNEL})
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(notebook, path)
    return path


@pytest.fixture
def small_book(tmp_path: Path) -> Path:
    """A checkout with everything that a book is made from, in small."""
    root = tmp_path / "checkout"
    write_notebook(root / "notebooks/a/01-first.ipynb", "print(SCALE)")
    write_notebook(root / "notebooks/a/02-second.ipynb", "1 + 1")
    for name, text in {
        "_toc.yml": "format: jb-book\nroot: book/index\nparts:\n  - caption: A\n    chapters:\n"
        "      - file: notebooks/a/01-first\n      - file: notebooks/a/02-second\n",
        "_config.yml": "title: Small\nonly_build_toc_files: true\nexecute:\n  execute_notebooks: 'off'\n",
        "book/index.md": "# Small\n\nA book.\n",
        "gptrepro/code.py": "",
        "data/results.json": "{}",
        "pyproject.toml": "",
        "constraints.txt": "",
    }.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")
    return root


@pytest.fixture
def log() -> io.StringIO:
    """What ``report`` has said."""
    return io.StringIO()


@pytest.fixture
def report(log: io.StringIO) -> BuildDisplay:
    """Progress that goes into ``log``, as into any file."""
    return BuildDisplay(Console(file=log, soft_wrap=True, highlight=False, width=200))
