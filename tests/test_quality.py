"""Every hook of .pre-commit-config.yaml (style, types, layers, workflows) passes over the repository."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parent.parent
REPOSITORIES = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))["repos"]
HOOKS: list[dict[str, Any]] = [hook for repository in REPOSITORIES for hook in repository["hooks"]]
PYTEST = "python -m pytest"
"""Hooks that start so run tests of this suite: they are collected anyway and not run twice."""

KNOWN = {"id", "name", "entry", "language", "files", "pass_filenames"}


def _files(hook: dict[str, Any]) -> list[str]:
    """The files that pre-commit would give the hook if all had changed."""
    if not hook.get("pass_filenames", True):
        return []
    other = {".git", ".venv", "_build"}
    found = (path for top in ROOT.iterdir() if top.name not in other for path in [top, *top.rglob("*")])
    names = sorted(path.relative_to(ROOT).as_posix() for path in found if path.is_file())
    return [name for name in names if re.search(hook["files"], name)]


@pytest.mark.parametrize(
    "hook", [hook for hook in HOOKS if not hook["entry"].startswith(PYTEST)], ids=lambda hook: hook["id"]
)
def test_tool_is_content(hook: dict[str, Any]) -> None:
    tool, *arguments = [*shlex.split(hook["entry"]), *_files(hook)]
    executable = shutil.which(tool, path=str(Path(sys.executable).parent))
    assert executable, f"{tool} is not installed beside {sys.executable}: use make test"
    finished = subprocess.run([executable, *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
    assert finished.returncode == 0, f"{hook['entry']}\n{finished.stdout[-6000:]}{finished.stderr[-2000:]}"


def test_hooks_need_nothing_but_the_environment() -> None:
    assert [repository["repo"] for repository in REPOSITORIES] == ["local"]
    for hook in HOOKS:
        assert hook.keys() <= KNOWN, (
            f"{hook['id']} uses {hook.keys() - KNOWN}, which this test does not follow"
        )
        assert hook["language"] == "system", f"{hook['id']} would install something: use language: system"
        if hook.get("pass_filenames", True):
            assert _files(hook), f"no file matches {hook['files']} of the hook {hook['id']}"
    assert len({hook["id"] for hook in HOOKS}) == len(HOOKS)


def test_hooks_that_run_tests_name_tests_that_exist() -> None:
    for hook in HOOKS:
        if hook["entry"].startswith(PYTEST):
            words = shlex.split(hook["entry"])
            (file,) = (word for word in words if word.endswith(".py"))
            tests = re.findall(r"^def (test_\w+)", (ROOT / file).read_text(encoding="utf-8"), re.MULTILINE)
            for part in words[words.index("-k") + 1].split(" or "):
                assert any(part in test for test in tests), f"{file} has no test with '{part}' in its name"
