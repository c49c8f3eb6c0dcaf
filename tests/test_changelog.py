"""CHANGELOG.md, CITATION.cff and the package name the same version."""

from __future__ import annotations

import re
import tomllib

import yaml

import gptrepro
from gptrepro import storage

ROOT = storage.project_root()
CHANGELOG = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
CITATION = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
HEADINGS = re.findall(r"^## .*$", CHANGELOG, re.MULTILINE)
FORM = r"## \[(\d+)\.(\d+)\.(\d+)\] - (Unreleased|\d{4}-\d\d-\d\d)"


def test_versions_come_newest_first_and_only_the_newest_is_unreleased():
    found = [re.fullmatch(FORM, line) for line in HEADINGS]
    assert all(found), "head the sections of CHANGELOG.md as ## [1.2.3] - 2030-01-31, or - Unreleased"
    versions = [tuple(int(number) for number in match.groups()[:3]) for match in found if match]
    assert versions == sorted(set(versions), reverse=True)
    assert not any("Unreleased" in line for line in HEADINGS[1:]), "give each released version its date"


def test_the_version_is_the_same_everywhere():
    newest = re.search(r"\[(.*?)\]", HEADINGS[0])
    assert newest and newest[1] == gptrepro.__version__, "begin CHANGELOG.md with the package's version"
    assert CITATION["version"] == gptrepro.__version__, "give CITATION.cff the package's version"


def test_who_cites_finds_the_repository_and_the_day_of_the_release():
    assert CITATION["repository-code"] == storage.repository(ROOT), "as _config.yml names it"
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["urls"]["Repository"] == storage.repository(ROOT), "as _config.yml names it"
    if not HEADINGS[0].endswith("Unreleased"):
        assert HEADINGS[0].endswith(str(CITATION["date-released"])), "give CITATION.cff the changelog's date"
