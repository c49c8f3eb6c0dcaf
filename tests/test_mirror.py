"""Tests mirror the package: every module has its tests, and every test file its subject."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE, TESTS = ROOT / "gptrepro", ROOT / "tests"

TOPICS = {
    "book/test_pages.py": "the built book in a browser",
    "book/test_pins.py": "constraints.txt, environment.yml, CITATION.cff and the Makefile",
    "claims/test_facts.py": "the ledger's rows against the papers' facts",
    "experiments/test_registered.py": "every registered experiment",
    "experiments/test_smoke_metrics.py": "every registered experiment at smoke scale",
    "model/test_parity.py": "the decoder against transformers",
    "notebooks/test_chapters.py": "every notebook's place in the book",
    "notebooks/test_smoke.py": "every notebook at smoke scale",
    "notebooks/test_stored_outputs.py": "every notebook's stored outputs",
    "stress/test_training.py": "training under kills, damage and full disks",
    "test_changelog.py": "CHANGELOG.md and the version",
    "test_contributing.py": "CONTRIBUTING.md",
    "test_mirror.py": "these rules",
    "test_quality.py": "the hooks of .pre-commit-config.yaml",
    "test_readme.py": "README.md and the page Reproduce",
    "test_workflows.py": ".github/workflows",
    "train/test_resume.py": "a training that is stopped anywhere",
}
"""Test files about something other than one module."""


def _tests_of(module: Path) -> Path:
    """Where the tests of a module belong; those of a package's own ``__init__`` are in ``test_init.py``."""
    path = module.relative_to(PACKAGE)
    return path.parent / f"test_{path.stem.strip('_')}.py"


def _does_something(module: Path) -> bool:
    nodes = ast.walk(ast.parse(module.read_text(encoding="utf-8")))
    return any(isinstance(node, ast.FunctionDef) for node in nodes)


MODULES = sorted(PACKAGE.rglob("*.py"))
FILES = sorted(path.relative_to(TESTS).as_posix() for path in TESTS.rglob("test_*.py"))


@pytest.mark.parametrize(
    "module",
    [path for path in MODULES if _does_something(path)],
    ids=lambda path: path.relative_to(PACKAGE).as_posix(),
)
def test_every_module_has_its_tests(module: Path) -> None:
    tests = TESTS / _tests_of(module)
    assert tests.is_file(), (
        f"{module.relative_to(ROOT).as_posix()} has no tests: write {tests.relative_to(ROOT).as_posix()}, "
        "with tests that fail when the module breaks"
    )


@pytest.mark.parametrize("file", FILES)
def test_every_test_file_has_its_subject(file: str) -> None:
    subjects = {_tests_of(module).as_posix() for module in MODULES}
    assert file in subjects or file in TOPICS, (
        f"tests/{file} mirrors no module of gptrepro: name it after its module, or state its topic in "
        "tests/test_mirror.py"
    )
    text = (TESTS / file).read_text(encoding="utf-8")
    assert "def test_" in text, f"tests/{file} holds no test: write one or delete the file"


def test_every_topic_has_its_file() -> None:
    assert TOPICS.keys() <= set(FILES), (
        f"tests/test_mirror.py names {TOPICS.keys() - set(FILES)}: delete those"
    )
