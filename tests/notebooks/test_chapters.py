"""Every notebook is a chapter: it stands in _toc.yml."""

from __future__ import annotations

from gptrepro.book import read_contents

from .conftest import ROOT


def test_every_notebook_is_in_the_table_of_contents() -> None:
    listed = {path.as_posix() for path in read_contents(ROOT).notebooks}
    for path in sorted((ROOT / "notebooks").rglob("*.ipynb")):
        if ".ipynb_checkpoints" in path.parts:
            continue
        name = path.relative_to(ROOT)
        assert name.as_posix() in listed, (
            f"{name.as_posix()} is not in _toc.yml: add `- file: {name.with_suffix('').as_posix()}`"
        )
