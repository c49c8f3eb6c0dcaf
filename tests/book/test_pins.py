"""constraints.txt, environment.yml and pyproject.toml say the same; the Makefile keeps its promises."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from tools.pins import UNPINNED

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
(PROJECT_TORCH,) = [line for line in PROJECT["dependencies"] if line.startswith("torch")]
EXTRAS = PROJECT["optional-dependencies"]


def pins() -> dict[str, Requirement]:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    found = [Requirement(line) for line in lines if line and not line.startswith("#")]
    return {canonicalize_name(requirement.name): requirement for requirement in found}


def test_every_requirement_is_pinned_to_a_version_that_it_allows() -> None:
    pinned = pins()
    pinned_extras = [lines for name, lines in EXTRAS.items() if name not in UNPINNED]
    for line in [*PROJECT["dependencies"], *(line for lines in pinned_extras for line in lines)]:
        wanted = Requirement(line)
        if wanted.name == PROJECT["name"]:
            assert wanted.extras <= set(EXTRAS)
            continue
        pin = pinned.get(canonicalize_name(wanted.name))
        assert pin is not None, f"{wanted.name} has no pin: run python tools/pins.py --write"
        [specifier] = pin.specifier
        assert specifier.operator == "=="
        assert wanted.specifier.contains(specifier.version, prereleases=True), f"{pin} breaks {wanted}"


def test_pins_hold_on_every_system() -> None:
    for pin in pins().values():
        assert "+" not in str(pin.specifier), f"{pin} names a local build"
        assert not pin.url
    assert not [name for name in pins() if name.startswith(("nvidia-", "cuda-", "triton"))]


def test_the_environment_file_adds_nothing_of_its_own() -> None:
    environment = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
    *conda, pip = environment["dependencies"]
    assert conda == [f"python{PROJECT['requires-python']}", "pip"]
    assert pip == {"pip": ["-c constraints.txt", "-e .[book,test]"]}
    assert {"book", "test"} <= set(EXTRAS)


def test_binder_builds_with_a_torch_and_a_python_that_the_project_allows() -> None:
    _, torch = PROJECT_TORCH.split("torch")
    *conda, pytorch = yaml.safe_load((ROOT / "binder/environment.yml").read_text(encoding="utf-8"))[
        "dependencies"
    ]
    assert pytorch == f"pytorch-cpu{torch}"
    (python,) = [line.partition("=")[2] for line in conda if line.startswith("python=")]
    assert SpecifierSet(PROJECT["requires-python"]).contains(python)


def test_the_citation_names_authors_and_licence_of_the_project() -> None:
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert citation["cff-version"] == "1.2.0"
    assert citation["authors"] == PROJECT["authors"]
    assert citation["license"] == PROJECT["license"]


@pytest.fixture
def make() -> str:
    """The make command; skips where there is none."""
    found = shutil.which("make")
    if found is None:
        pytest.skip("make is not installed")
    return found


def test_help_lists_every_target(make: str) -> None:
    said = subprocess.run([make, "-C", str(ROOT)], capture_output=True, text=True, check=True).stdout
    phony = re.search(r"^\.PHONY: (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert phony
    assert re.findall(r"^  make (\w+) ", said, re.MULTILINE) == phony.group(1).split()


def checkout(folder: Path) -> Path:
    """What make needs to set up an environment, without one."""
    for name in ("Makefile", "pyproject.toml", "constraints.txt"):
        shutil.copy(ROOT / name, folder / name)
    return folder


@pytest.mark.skipif(os.name == "nt", reason="shell scripts stand in for Python")
@pytest.mark.parametrize(
    ("script", "message"),
    [
        ("exit 1", "is not Python 3.11 to 3.14, or is missing"),
        ('case "$2" in *venv*) exit 1;; esac; exit 0', "run apt install python3-venv, then make book again"),
    ],
)
def test_a_python_that_will_not_do_is_one_sentence(
    make: str, tmp_path: Path, script: str, message: str
) -> None:
    python = tmp_path / "python"
    python.write_text(f"#!/bin/sh\n{script}\n")
    python.chmod(0o755)
    finished = subprocess.run(
        [make, "-C", str(checkout(tmp_path)), "book", f"PYTHON={python}"], capture_output=True, text=True
    )
    assert finished.returncode != 0
    assert message in finished.stderr
    assert "Traceback" not in finished.stderr


@pytest.mark.skipif(os.name == "nt", reason="shell scripts stand in for Python")
@pytest.mark.parametrize(("reached", "said"), [(False, True), (True, False)])
def test_no_network_is_said_as_such(make: str, tmp_path: Path, reached: bool, said: bool) -> None:
    python = checkout(tmp_path) / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    answer = "exit 0" if reached else "exit 1"
    python.write_text(f"#!/bin/sh\ncase \"$*\" in *'index versions'*) {answer};; esac; exit 1\n")
    python.chmod(0o755)
    finished = subprocess.run([make, "-C", str(tmp_path), "book"], capture_output=True, text=True)
    assert finished.returncode != 0
    assert ("The package index cannot be reached" in finished.stderr) == said


def test_an_extra_index_reaches_pip(make: str, tmp_path: Path) -> None:
    finished = subprocess.run(
        [make, "-n", "-C", str(checkout(tmp_path)), "test", "INDEX=https://example.org/cpu"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "--extra-index-url https://example.org/cpu -e '.[book,test]'" in finished.stdout
    assert "-c constraints.txt" in finished.stdout


def test_pins_come_from_what_is_installed_without_local_parts() -> None:
    code = "import sys; sys.path.insert(0, 'tools'); import pins; print(pins.installed_versions()['torch'])"
    said = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "2.13.0"
