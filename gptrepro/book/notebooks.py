"""One notebook: its parameters, and outputs that are the same on every machine."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import nbformat
from papermill.inspection import inspect_notebook

from gptrepro import storage
from gptrepro.errors import GptreproError

Notebook = Any
"""An ``nbformat.NotebookNode``, which carries no types."""

PARAMETERS = frozenset({"SCALE", "RUN"})
"""The parameters that every notebook declares in its cell tagged ``parameters``."""


def read_notebook(path: Path) -> Notebook:
    """Read a notebook of format 4.5 or newer, whose cells carry ids, and which names its kernel.

    Raises:
        GptreproError: the file is missing, no notebook, of an older format, or without a kernel.
    """
    try:
        notebook = nbformat.read(path, as_version=nbformat.NO_CONVERT)  # type: ignore[no-untyped-call]
    except FileNotFoundError:
        raise GptreproError(f"There is no notebook at {path}.") from None
    except Exception as error:  # nbformat raises many kinds for a damaged file
        raise GptreproError(f"{path} is not a readable notebook: {error}") from error
    if (notebook.nbformat, notebook.nbformat_minor) < (4, 5):
        raise GptreproError(f"{path} is of notebook format before 4.5: open it in Jupyter and save it once.")
    if "kernelspec" not in notebook.metadata:
        raise GptreproError(f"{path} names no kernel: open it in Jupyter and save it once.")
    return notebook


def write_notebook(path: Path, notebook: Notebook) -> None:
    """Write a notebook atomically."""
    storage.write_text(path, nbformat.writes(notebook) + "\n")  # type: ignore[no-untyped-call]


def check_parameters(path: Path, given: Mapping[str, str]) -> dict[str, str]:
    """The values that a notebook will see; refuses what papermill would run with only a warning.

    Raises:
        GptreproError: the notebook lacks a cell tagged ``parameters`` that sets SCALE and RUN, or
            ``given`` names a parameter that it does not declare, or that changes nothing in it.
    """
    declared = inspect_notebook(path)
    if missing := PARAMETERS - set(declared):
        raise GptreproError(
            f"{path.name} does not declare {' and '.join(sorted(missing))}: give it a cell tagged "
            '\'parameters\' with SCALE = "laptop" and RUN = "never".'
        )
    if unknown := set(given) - set(declared):
        raise GptreproError(
            f"{path.name} has no parameter {' or '.join(sorted(unknown))}: it declares "
            f"{', '.join(sorted(declared))}."
        )
    if idle := set(given) - used_names(read_notebook(path), declared):
        raise GptreproError(
            f"{path.name} does not use {' and '.join(sorted(idle))}: it shows no experiment's results, "
            "so leave them out."
        )
    own = {name: str(found["default"]).strip("'\"") for name, found in declared.items()}
    return own | dict(given)


def used_names(notebook: Notebook, names: Iterable[str]) -> set[str]:
    """Those ``names`` that stand in a cell of code besides the one that declares them."""
    code = "\n".join(
        cell.source
        for cell in notebook.cells
        if cell.cell_type == "code" and "parameters" not in cell.metadata.get("tags", [])
    )
    return {name for name in names if re.search(rf"\b{name}\b", code)}


def normalise(notebook: Notebook) -> Notebook:
    """Remove, in place, what an execution adds besides outputs: timings, paths, empty tags, versions.

    What a cell prints in one go is one output, in however many pieces the kernel sent it.
    """
    metadata = notebook.metadata
    metadata.pop("papermill", None)
    metadata.pop("widgets", None)
    metadata["kernelspec"] = {"display_name": "Python 3", "language": "python", "name": "python3"}
    metadata["language_info"] = {"name": "python"}
    for cell in notebook.cells:
        cell.metadata.pop("papermill", None)
        cell.metadata.pop("execution", None)
        if not cell.metadata.get("tags"):
            cell.metadata.pop("tags", None)
        if cell.cell_type == "code":
            cell.outputs = _joined(cell.outputs)
    return notebook


def _joined(outputs: list[Any]) -> list[Any]:
    """Outputs of a cell, with what was printed in a row as one."""
    joined: list[Any] = []
    for output in outputs:
        last = joined[-1] if joined else None
        if last and output.output_type == last.output_type == "stream" and output.name == last.name:
            last.text += output.text
        else:
            joined.append(output)
    return joined


INSTALL = "install"
"""Id and tag of the cell that brings the library to a machine without it; pages leave it out."""

_INSTALL_CELL = """\
# Where the book's library is missing, as on Colab, this cell installs it. Elsewhere it does nothing.
import importlib.util

if importlib.util.find_spec("gptrepro") is None:
    %pip install --quiet "gptrepro[book] @ git+{repository}\""""


def with_install_cell(notebook: Notebook, repository: str) -> Notebook:
    """Put the cell that installs the library before the cell of parameters, in place of an earlier one."""
    notebook.cells = [cell for cell in notebook.cells if cell.id != INSTALL]
    place = next(
        (n for n, cell in enumerate(notebook.cells) if "parameters" in cell.metadata.get("tags", [])), 0
    )
    cell = nbformat.v4.new_code_cell(  # type: ignore[no-untyped-call]
        _INSTALL_CELL.format(repository=repository), id=INSTALL, metadata={"tags": [INSTALL, "remove-cell"]}
    )
    notebook.cells.insert(place, cell)
    return notebook


PUBLISHED_VALUES = "published-values"
"""Tag of cells that show what papers print, with all its digits and units."""

_DECIMALS = "more than 3 decimals"
_TIME = "a time"
_UNSTABLE = {
    "a memory address": re.compile(r"\bat 0x[0-9a-f]{6,}"),
    "a digest": re.compile(r"\b[0-9a-f]{40,64}\b"),
    "a progress bar": re.compile(r"\d+(\.\d+)?(it|s|B)/(s|it)\b|\d+%\|"),
    "a random table id (use set_uuid or to_html)": re.compile(r'id="T_[0-9a-f]{5}"'),
    _TIME: re.compile(r"\b\d+(\.\d+)?\s?(ms|µs|seconds)\b|\b\d\d:\d\d:\d\d\b"),
    _DECIMALS: re.compile(r"(?<![\w.])(?!0\.0+\d{1,3}\b)\d+\.\d{4,}(?![\w.])"),
}


def _texts(output: Any) -> list[str]:
    """The text of one output, without pictures."""
    if output.output_type == "stream":
        return [output.text]
    return [text for kind, text in output.get("data", {}).items() if kind in ("text/plain", "text/html")]


def unstable_outputs(notebook: Notebook, *roots: Path) -> list[str]:
    """What in the outputs would differ elsewhere, one sentence each; empty when nothing would.

    No output may name one of the folders ``roots``, the home or the user's own. A cell tagged
    ``published-values`` may show as many decimals as a paper prints, and its times.
    """
    places = [str(place) for place in (*roots, storage.home(), Path.home()) if place != Path(place.anchor)]
    found = []
    for number, cell in enumerate(notebook.cells, start=1):
        exact = PUBLISHED_VALUES in cell.get("metadata", {}).get("tags", [])
        for output in cell.get("outputs", []):
            if output.output_type == "stream" and output.name == "stderr":
                found.append(f"cell {number} writes to standard error: {output.text.strip()[:80]!r}")
            for text in _texts(output):
                found += [
                    f"cell {number} shows {what}: {match.group()!r}"
                    for what, pattern in _UNSTABLE.items()
                    if not (exact and what in (_DECIMALS, _TIME))
                    and (match := pattern.search(re.sub(r"<style.*?</style>", "", text, flags=re.DOTALL)))
                ]
                found += [f"cell {number} shows a path of this machine: {p}" for p in places if p in text]
    return found
