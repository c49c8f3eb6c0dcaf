"""What the notebooks store is what their code prints, to the last character."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from gptrepro.book import read_contents
from gptrepro.book.notebooks import (
    INSTALL,
    PARAMETERS,
    check_parameters,
    read_notebook,
    unstable_outputs,
    used_names,
    with_install_cell,
)

from .conftest import ROOT

pytestmark = pytest.mark.slow

DRAWN = "matplotlib"
"""In an SVG that the plotting library drew."""

IDLE = "# This page shows no experiment's results: neither changes anything here."
"""What the cell of parameters says where no other cell reads them."""


def nbval(notebook: Path) -> subprocess.CompletedProcess[str]:
    """Execute a notebook in its own folder and compare every output with the stored one."""
    command = [sys.executable, "-m", "pytest", "-c", os.devnull, "--rootdir", str(notebook.parent), "-q"]
    command += ["-p", "no:cacheprovider", "-p", "no:randomly", "--tb=short"]
    command += ["--nbval", "--nbval-current-env", "--nbval-cell-timeout=300", str(notebook)]
    command += [f"--nbval-sanitize-with={Path(__file__).with_name('drawings.cfg')}"]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_outputs_are_as_stored(notebook: Path) -> None:
    finished = nbval(notebook)
    assert finished.returncode == 0, f"{finished.stdout[-6000:]}\nIf the new outputs are right: make refresh"


def test_outputs_are_the_same_everywhere(notebook: Path) -> None:
    assert unstable_outputs(read_notebook(notebook), ROOT) == []


def test_every_cell_has_been_executed(notebook: Path) -> None:
    cells = [
        cell for cell in read_notebook(notebook).cells if cell.cell_type == "code" and cell.source.strip()
    ]
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1)), "run make refresh"


def test_default_parameters_are_the_published_ones(notebook: Path) -> None:
    cells = read_notebook(notebook).cells
    cell = next((cell for cell in cells if "parameters" in cell.metadata.get("tags", [])), None)
    assert cell is not None, (
        f"{notebook.name} has no cell tagged parameters: tag the one that sets SCALE and RUN"
    )
    used = used_names(read_notebook(notebook), PARAMETERS)
    assert check_parameters(notebook, dict.fromkeys(used, "")).keys() == PARAMETERS
    assert (IDLE in cell.source) == (not used), f"let the parameters cell say{' not' * bool(used)}: {IDLE}"
    values: dict[str, str] = {}
    exec(cell.source, {}, values)
    assert values == {"SCALE": "laptop", "RUN": "never"}, (
        'let the parameters cell say SCALE = "laptop", RUN = "never"'
    )


def test_a_notebook_checks_something(notebook: Path) -> None:
    code = "\n".join(cell.source for cell in read_notebook(notebook).cells if cell.cell_type == "code")
    assert "assert " in code, "give the notebook a cell that fails when the science breaks"


def test_the_cell_that_installs_the_library_is_the_present_one(notebook: Path) -> None:
    repository = read_contents(ROOT).repository
    assert repository
    stored = read_notebook(notebook)
    ids = [cell.id for cell in stored.cells]
    renewed = with_install_cell(read_notebook(notebook), repository)
    assert [cell.id for cell in renewed.cells] == ids, "run make refresh"
    place = ids.index(INSTALL)
    assert stored.cells[place].source == renewed.cells[place].source, "run make refresh"


def test_figures_have_numbers_captions_and_words_for_who_cannot_see(notebook: Path) -> None:
    for cell in read_notebook(notebook).cells:
        kinds = {kind for output in cell.get("outputs", []) for kind in output.get("data", {})}
        assert "image/png" not in kinds, f"{cell.id}: draw it in the book's style (`gptrepro.plots`), as SVG"
        if any(
            DRAWN in output.get("data", {}).get("image/svg+xml", "") for output in cell.get("outputs", [])
        ):
            shown = cell.metadata.get("mystnb", {})
            assert shown.get("figure", {}).get("name", "").startswith("fig-"), f"{cell.id}: no name"
            assert shown["figure"].get("caption"), f"{cell.id}: no caption"
            assert shown.get("image", {}).get("alt"), f"{cell.id}: no alternative text"


def test_exercises_have_folded_answers(notebook: Path) -> None:
    text = "\n".join(cell.source for cell in read_notebook(notebook).cells if cell.cell_type == "markdown")
    assert "**Exercise" in text and ":::{dropdown} Answer" in text


def test_a_number_edited_by_hand_is_found(tmp_path: Path) -> None:
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    cell = nbformat.v4.new_code_cell("print('perplexity 18.4')", id="a", execution_count=1)
    cell.outputs = [nbformat.v4.new_output("stream", name="stdout", text="perplexity 18.4\n")]
    notebook = nbformat.v4.new_notebook(cells=[cell], metadata={"kernelspec": kernel})
    path = tmp_path / "n.ipynb"
    nbformat.write(notebook, path)
    assert nbval(path).returncode == 0

    cell.outputs[0].text = "perplexity 18.3\n"
    nbformat.write(notebook, path)
    finished = nbval(path)
    assert finished.returncode == 1
    assert "18.3" in finished.stdout


def test_code_fits_its_column_and_what_only_shows_is_folded(notebook: Path) -> None:
    for cell in read_notebook(notebook).cells:
        tags = set(cell.metadata.get("tags", []))
        if cell.cell_type != "code" or "remove-cell" in tags:
            continue
        wide = [line for line in cell.source.splitlines() if len(line) > 79]
        assert not wide, (
            f"{cell.id} is wider than a page's column: run `ruff format`, and break {wide[0].strip()!r}"
        )
        shows = re.search(r"\b(show_table|show_claims|plt\.show|SVG|HTML)\(", cell.source)
        folds = tags & {"hide-input", "remove-input"}
        assert not shows or folds, f"{cell.id} shows a table or a figure: tag it hide-input"
