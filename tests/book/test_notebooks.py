from __future__ import annotations

import json
from pathlib import Path

import nbformat
import pytest

from gptrepro.book.notebooks import check_parameters, normalise, read_notebook, unstable_outputs
from gptrepro.errors import GptreproError

from .conftest import write_notebook


def test_an_unknown_parameter_is_refused(tmp_path: Path) -> None:
    path = write_notebook(tmp_path / "n.ipynb", "obtain('x', scale=SCALE, run=RUN)")
    check_parameters(path, {"SCALE": "smoke", "RUN": "missing"})
    with pytest.raises(GptreproError, match="has no parameter SCAEL: it declares RUN, SCALE"):
        check_parameters(path, {"SCAEL": "smoke"})


@pytest.mark.parametrize(("code", "idle"), [("1 + 1", "RUN and SCALE"), ("print(SCALE, 'RUNS')", "RUN")])
def test_a_parameter_that_changes_nothing_is_refused(tmp_path: Path, code: str, idle: str) -> None:
    path = write_notebook(tmp_path / "n.ipynb", code)
    assert check_parameters(path, {}) == {"SCALE": "laptop", "RUN": "never"}
    with pytest.raises(GptreproError, match=f"does not use {idle}: it shows no experiment's results"):
        check_parameters(path, {"SCALE": "smoke", "RUN": "missing"})


@pytest.mark.parametrize(
    ("parameters", "missing"), [(None, "RUN and SCALE"), ('SCALE = "laptop"', "RUN"), ("", "RUN and SCALE")]
)
def test_a_notebook_without_its_parameters_is_refused(
    tmp_path: Path, parameters: str | None, missing: str
) -> None:
    path = write_notebook(tmp_path / "n.ipynb", "SCALE = RUN = None", parameters=parameters)
    with pytest.raises(GptreproError, match=f"does not declare {missing}: give it a cell"):
        check_parameters(path, {})


def test_what_is_no_notebook_is_refused(tmp_path: Path) -> None:
    with pytest.raises(GptreproError, match="There is no notebook"):
        read_notebook(tmp_path / "absent.ipynb")
    (tmp_path / "torn.ipynb").write_text('{"cells": [')
    with pytest.raises(GptreproError, match="not a readable notebook"):
        read_notebook(tmp_path / "torn.ipynb")


def test_a_notebook_without_cell_ids_is_refused(tmp_path: Path) -> None:
    path = write_notebook(tmp_path / "n.ipynb")
    old = json.loads(path.read_text()) | {"nbformat_minor": 4}
    for cell in old["cells"]:
        del cell["id"]
    path.write_text(json.dumps(old))
    with pytest.raises(GptreproError, match=r"format before 4.5"):
        read_notebook(path)


def test_a_notebook_without_a_kernel_is_refused(tmp_path: Path) -> None:
    path = write_notebook(tmp_path / "n.ipynb")
    path.write_text(json.dumps(json.loads(path.read_text()) | {"metadata": {}}))
    with pytest.raises(GptreproError, match="names no kernel"):
        read_notebook(path)


def test_normalising_leaves_sources_outputs_and_tags() -> None:
    cell = nbformat.v4.new_code_cell("1", id="a", execution_count=1)
    cell.outputs = [nbformat.v4.new_output("execute_result", {"text/plain": "1"}, execution_count=1)]
    cell.metadata.update({"papermill": {"duration": 0.1}, "execution": {"iopub": "now"}, "tags": []})
    kept = nbformat.v4.new_code_cell("2", id="b", metadata={"tags": ["hide-input"]})
    notebook = nbformat.v4.new_notebook(cells=[cell, kept])
    notebook.metadata.update({"papermill": {"input_path": "/x"}, "language_info": {"version": "3.11.7"}})
    normalise(notebook)
    assert set(notebook.metadata) == {"kernelspec", "language_info"}
    assert notebook.metadata.language_info == {"name": "python"}
    assert dict(cell.metadata) == {}
    assert cell.outputs[0].data == {"text/plain": "1"}
    assert kept.metadata.tags == ["hide-input"]


def test_what_is_printed_in_a_row_is_one_output_however_it_came() -> None:
    def printed(text: str) -> nbformat.NotebookNode:
        return nbformat.v4.new_output("stream", name="stdout", text=text)

    table = nbformat.v4.new_output("display_data", {"text/html": "<p>"})
    cell = nbformat.v4.new_code_cell("1", id="a")
    cell.outputs = [printed("one"), printed("\n"), table, printed("two\n")]
    normalise(nbformat.v4.new_notebook(cells=[cell]))
    assert [one.get("text") for one in cell.outputs] == ["one\n", None, "two\n"]


def outputs(*, text: str = "", stream: str = "stdout", html: str = "") -> nbformat.NotebookNode:
    cell = nbformat.v4.new_code_cell("x", id="x")
    if html:
        cell.outputs = [nbformat.v4.new_output("display_data", {"text/html": html})]
    else:
        cell.outputs = [nbformat.v4.new_output("stream", name=stream, text=text)]
    return nbformat.v4.new_notebook(cells=[cell])


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("<function f at 0x7f3a5c0d1e50>", "a memory address"),
        ("sha256 " + "0af3" * 16, "a digest"),
        ("took 12.5 ms", "a time"),
        ("done at 12:30:59", "a time"),
        ("10%|#         | 1/10", "a progress bar"),
        ("loss 0.69315", "more than 3 decimals"),
        ("rate 0.00025317", "more than 3 decimals"),
        ("read from /checkout/data", "a path of this machine"),
    ],
)
def test_outputs_that_differ_elsewhere_are_found(text: str, what: str) -> None:
    [sentence] = unstable_outputs(outputs(text=text), Path("/checkout"))
    assert sentence.startswith(f"cell 1 shows {what}")


def test_warnings_and_random_table_ids_are_found() -> None:
    [sentence] = unstable_outputs(outputs(text="UserWarning", stream="stderr"), Path("/checkout"))
    assert "standard error" in sentence
    [sentence] = unstable_outputs(outputs(html='<table id="T_0a1b2">'), Path("/checkout"))
    assert "random table id" in sentence


@pytest.mark.parametrize(
    "text",
    [
        "loss 0.693",
        "116,534,784",
        "perplexity 18.4 (n = 3)",
        "95%",
        "eps 1e-8",
        "version 1.0.4.1234",
        "rate 0.00025",
    ],
)
def test_figures_of_the_book_are_stable(text: str) -> None:
    assert unstable_outputs(outputs(text=text), Path("/checkout")) == []
    assert (
        unstable_outputs(outputs(html=f"<td style='width: 0.12345em'>{text}</td>"), Path("/checkout")) == []
    )


def test_published_values_keep_their_digits_and_nothing_else() -> None:
    for text, stable in (("published 0.044715, 30 seconds", True), ("at 0x7f3a5c0d1e50", False)):
        notebook = outputs(text=text)
        notebook.cells[0].metadata.tags = ["published-values"]
        assert (unstable_outputs(notebook, Path("/checkout")) == []) is stable
