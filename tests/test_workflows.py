"""The workflows run the commands that the README names, on every Python that the project supports."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parent.parent


def workflow(name: str) -> dict[str, Any]:
    return yaml.safe_load((ROOT / ".github" / "workflows" / name).read_text(encoding="utf-8"))


def commands(job: dict[str, Any]) -> list[str]:
    return [step["run"] for step in job["steps"] if "run" in step]


def test_tests_run_as_the_readme_says_on_every_python():
    job = workflow("test.yml")["jobs"]["test"]
    pins = (ROOT / "tools" / "pins.py").read_text(encoding="utf-8")
    supported = re.findall(r'"(3\.\d+)"', re.search(r"^PYTHONS = (.*)$", pins, re.MULTILINE)[1])
    assert job["strategy"]["matrix"]["python"] == supported
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    following = int(supported[-1].removeprefix("3.")) + 1
    assert project["requires-python"] == f">={supported[0]},<3.{following}"
    assert any(command.startswith("make test") for command in commands(job))


def test_a_release_publishes_what_make_book_builds():
    found = workflow("publish.yml")
    assert found[True] == {"release": {"types": ["published"]}}  # YAML reads the key `on` as true
    build, deploy = found["jobs"]["build"], found["jobs"]["deploy"]
    assert any(command.startswith("make book") for command in commands(build))
    assert {step["with"]["path"] for step in build["steps"] if "upload" in step.get("uses", "")} == {
        "_build/html"
    }
    assert deploy["permissions"] == {"pages": "write", "id-token": "write"} and deploy["needs"] == "build"
