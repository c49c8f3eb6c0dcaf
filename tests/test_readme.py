"""The README's commands are real: each is parsed by the command line or is a target of the Makefile."""

from __future__ import annotations

import re
import shlex

import pytest
from typer.testing import CliRunner

from gptrepro import storage
from gptrepro.cli import app

ROOT = storage.project_root()
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```bash\n(.*?)```", README, re.DOTALL)
LINES = [line.split("#")[0].strip() for block in BLOCKS for line in block.splitlines()]
QUICK = ("gptrepro models", "gptrepro data list", "gptrepro plan", "gptrepro claims")


def _commands(start: str) -> list[str]:
    return [line for line in LINES if line.startswith(start)]


def test_the_two_commands_come_first():
    assert LINES[:2] == ["make book", "make test"]


@pytest.mark.parametrize("line", _commands("make"))
def test_make_targets_exist(line):
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert re.search(rf"^{line.split()[1]}:", makefile, re.MULTILINE)


@pytest.mark.parametrize("line", _commands("gptrepro"))
def test_commands_are_understood(line):
    arguments = shlex.split(line)[1:]
    quick = line.startswith(QUICK)
    result = CliRunner().invoke(app, arguments if quick else [*arguments, "--help"])
    assert result.exit_code == 0, result.output
    assert result.output.strip()


def test_folders_of_the_table_exist():
    for folder in re.findall(r"^\| `(\w+)/` \|", README, re.MULTILINE):
        assert (ROOT / folder).is_dir(), folder
