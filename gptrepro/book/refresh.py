"""Renewing the outputs that notebooks store: the only code that writes into ``notebooks/``."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

from gptrepro import storage
from gptrepro.book.contents import read_contents
from gptrepro.book.execute import execute_notebooks, raise_failures
from gptrepro.book.homes import fresh_home
from gptrepro.book.notebooks import read_notebook, unstable_outputs, with_install_cell, write_notebook
from gptrepro.claims.export import write_ledger
from gptrepro.errors import GptreproError
from gptrepro.progress import BuildDisplay


def refresh(root: Path, only: Sequence[str] = ()) -> list[Path]:
    """Execute notebooks at their own parameters, store their outputs, and return those that changed.

    They run in a fresh home, so that outputs show published records only. Nothing is written unless every
    notebook ran and no output depends on the machine. Each also gets the present cell for installing the
    library from the repository that ``_config.yml`` names. With the pages of the ledger its files in
    ``data`` are written anew.

    Args:
        root: the checkout.
        only: parts of paths, such as ``gpt1/01``; all notebooks unless given.

    Raises:
        GptreproError: no notebook is meant, one failed, or an output would differ elsewhere.
    """
    contents = read_contents(root)
    notebooks = [
        name for name in contents.notebooks if not only or any(part in name.as_posix() for part in only)
    ]
    if not notebooks:
        raise GptreproError(f"No notebook of _toc.yml matches {' or '.join(only)}.")
    with tempfile.TemporaryDirectory() as folder, fresh_home() as variables, BuildDisplay() as report:
        source, scratch = Path(folder) / "source", Path(folder) / "executed"
        for name in notebooks:
            notebook = read_notebook(root / name)
            if contents.repository is not None:
                with_install_cell(notebook, contents.repository)
            write_notebook(source / name, notebook)
        failures = execute_notebooks(source, notebooks, scratch, report=report, environment=variables)
        raise_failures(failures, report)
        unstable = [
            f"{name.as_posix()}: {sentence}"
            for name in notebooks
            for sentence in unstable_outputs(read_notebook(scratch / name), root, source)
        ]
        if unstable:
            raise GptreproError("Some outputs would differ elsewhere:\n" + "\n".join(unstable))
        changed = [name for name in notebooks if (root / name).read_bytes() != (scratch / name).read_bytes()]
        for name in changed:
            storage.write_text(root / name, (scratch / name).read_text(encoding="utf-8"))
    if any(name.parent.name == "ledger" for name in notebooks):
        changed += [path.relative_to(root) for path in write_ledger(root)]
    return changed
