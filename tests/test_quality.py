"""Style, types and layers, checked by the tools whose settings pyproject.toml holds."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.mark.parametrize("command", ["ruff check", "ruff format --check", "mypy", "lint-imports"])
def test_tool_is_content(command: str) -> None:
    tool, *arguments = command.split()
    executable = shutil.which(tool, path=str(Path(sys.executable).parent))
    assert executable, f"{tool} is not installed beside {sys.executable}: use make test"
    finished = subprocess.run([executable, *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
    assert finished.returncode == 0, f"{command}\n{finished.stdout[-6000:]}{finished.stderr[-2000:]}"
