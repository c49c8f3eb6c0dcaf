"""Two test runs in one checkout go one after the other."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

from gptrepro import storage
from tests.conftest import hold_checkout


def test_a_second_run_says_that_it_waits_and_goes_on_when_the_first_ends(tmp_path: Path) -> None:
    said: list[str] = []
    told, held = threading.Event(), threading.Event()

    def tell(line: str) -> None:
        said.append(line)
        told.set()

    def second() -> None:
        hold_checkout(tmp_path, tell).release()
        held.set()

    first = hold_checkout(tmp_path, said.append)
    assert not said
    thread = threading.Thread(target=second)
    thread.start()
    assert told.wait(30) and not held.is_set()
    first.release()
    assert held.wait(30)
    thread.join()
    assert len(said) == 1 and "another test run" in said[0].lower()


def test_a_run_of_pytest_holds_the_checkout_and_lets_go(tmp_path: Path) -> None:
    """With workers too: they belong to the run, and wait for nobody."""
    tests = tmp_path / "tests"
    tests.mkdir()
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    conftest = storage.project_root() / "tests" / "conftest.py"
    (tests / "conftest.py").write_text(conftest.read_text(encoding="utf-8"), encoding="utf-8")
    cache = tmp_path / ".pytest_cache"
    (tests / "test_it.py").write_text(
        "import filelock, pytest\n"
        "def test_it():\n"
        "    with pytest.raises(filelock.Timeout):\n"
        f"        filelock.FileLock({str(cache / 'run.lock')!r}, timeout=0).acquire()\n"
    )
    outside = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    for workers in ("0", "2"):
        command = [sys.executable, "-m", "pytest", "-q", "-n", workers, "-p", "no:randomly", str(tests)]
        run = subprocess.run(command, cwd=tmp_path, env=outside, capture_output=True, text=True, check=False)
        assert run.returncode == 0, run.stdout + run.stderr
        assert "waits" not in run.stderr
    hold_checkout(cache, lambda line: None).release()
