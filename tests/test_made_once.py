"""What several processes want at once is made by one, and nothing else appears beside it."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from gptrepro.made_once import made_once


def test_who_comes_meanwhile_waits_and_finds_it(tmp_path: Path) -> None:
    path = tmp_path / "made.txt"
    beside: list[list[Path]] = []

    def make() -> str:
        time.sleep(0.2)
        beside.append(list(tmp_path.iterdir()))
        path.write_text("made")
        return "made"

    def found() -> str | None:
        return path.read_text() if path.exists() else None

    with ThreadPoolExecutor(3) as workers:
        answers = [workers.submit(made_once, path, found, make) for _ in range(3)]
    assert [each.result() for each in answers] == ["made"] * 3
    assert beside == [[]] and list(tmp_path.iterdir()) == [path]
