"""CONTRIBUTING.md: every step of a recipe names the file that guards it, and that file exists."""

from __future__ import annotations

import re

import pytest

from gptrepro import storage

ROOT = storage.project_root()
TEXT = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
RECIPES = dict(re.findall(r"^## Add an? (\w+(?: \w+)?)\n\n(.*?)(?=\n## |\Z)", TEXT, re.MULTILINE | re.DOTALL))
NAMES = [name for name in re.findall(r"`([\w.]+(?:/[\w.]+)+)`", TEXT) if "<" not in name]


def test_there_is_a_recipe_for_each_thing_that_grows():
    assert set(RECIPES) == {"claim", "experiment", "data set", "chapter", "model", "scale"}


@pytest.mark.parametrize("name", RECIPES)
def test_each_step_names_its_guard(name):
    steps = re.split(r"^\d+\. ", RECIPES[name], flags=re.MULTILINE)[1:]
    assert len(steps) >= 2
    for step in steps:
        assert "`tests/" in step, f"say which test fails when this step is forgotten: {step}"


@pytest.mark.parametrize("name", sorted(set(NAMES) - {"gptrepro/a/b.py", "tests/a/test_b.py"}))
def test_named_files_exist(name):
    assert (ROOT / name).exists(), f"CONTRIBUTING.md names {name}, which does not exist: correct it"
