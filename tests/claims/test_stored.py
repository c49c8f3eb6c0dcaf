"""The judged ledger as it is kept: the same verdicts, chosen and found by name, without torch."""

from __future__ import annotations

import shutil
import subprocess
import sys

import pytest

from gptrepro import storage
from gptrepro.claims.stored import find, read_verdicts, select, verdicts_file
from gptrepro.errors import GptreproError

ROWS = [
    {"id": "gpt1-layers", "paper": "gpt1", "verdict": "agrees"},
    {"id": "gpt1-rises", "paper": "gpt1", "verdict": "trend replicated"},
    {"id": "gpt2-rises", "paper": "gpt2", "verdict": "not run"},
]


def test_selection_by_paper_and_verdict():
    assert select(ROWS, paper="gpt1") == ROWS[:2]
    assert select(ROWS, verdict="trend replicated") == [ROWS[1]]
    assert select(ROWS, verdict="void") == []
    with pytest.raises(GptreproError, match="no claims of 'gpt9'"):
        select(ROWS, paper="gpt9")
    with pytest.raises(GptreproError, match="no verdict 'maybe'"):
        select(ROWS, verdict="maybe")


def test_a_claim_is_found_or_the_nearest_named():
    assert find(ROWS, "gpt1-rises") == ROWS[1]
    with pytest.raises(GptreproError, match="did you mean gpt1-rises, "):
        find(ROWS, "gpt1-rise")


def test_what_was_judged_from_other_claims_is_not_taken(monkeypatch, tmp_path):
    data = tmp_path / "data"
    shutil.copytree(storage.data_folder() / "claims", data / "claims")
    shutil.copytree(storage.data_folder() / "results", data / "results")
    shutil.copy(verdicts_file(), data)
    monkeypatch.setattr(storage, "data_folder", lambda: data)
    assert read_verdicts() is not None
    with (data / "claims" / "gpt1.yml").open("a") as file:
        file.write("\n")
    assert read_verdicts() is None


def test_claims_are_listed_without_torch():
    code = "from gptrepro.cli import main; import sys; sys.argv[1:] = ['claims']; main()"
    loaded = subprocess.run([sys.executable, "-X", "importtime", "-c", code], capture_output=True, text=True)
    assert "trend replicated" in loaded.stdout
    assert " torch\n" not in loaded.stderr and " numpy\n" not in loaded.stderr
