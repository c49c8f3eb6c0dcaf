"""CONTRIBUTING.md: every step of a recipe names the file that guards it, and that file exists."""

from __future__ import annotations

import re

from gptrepro import storage

ROOT = storage.project_root()
TEXT = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
RECIPES = dict(re.findall(r"^## Add an? (\w+(?: \w+)?)\n\n(.*?)(?=\n## |\Z)", TEXT, re.MULTILINE | re.DOTALL))
NAMES = [name for name in re.findall(r"`([\w.]+(?:/[\w.]+)+)`", TEXT) if "<" not in name]


def test_there_is_a_recipe_for_each_thing_that_grows():
    assert set(RECIPES) == {"claim", "experiment", "data set", "chapter", "model", "scale"}


def test_each_step_names_its_guard():
    for recipe in RECIPES.values():
        steps = re.split(r"^\d+\. ", recipe, flags=re.MULTILINE)[1:]
        assert len(steps) >= 2
        for step in steps:
            assert "`tests/" in step, f"say which test fails when this step is forgotten: {step}"


def test_named_files_exist():
    missing = [
        name for name in set(NAMES) - {"gptrepro/a/b.py", "tests/a/test_b.py"} if not (ROOT / name).exists()
    ]
    assert not missing, f"CONTRIBUTING.md names {missing}, which do not exist: correct it"
