"""The log of a training survives kills and says when the disk is full."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from gptrepro.errors import GptreproError
from tests.train.tiny import history, train_tiny


def test_a_torn_last_line_of_metrics_is_written_again(tmp_path: Path) -> None:
    expected = train_tiny(tmp_path / "whole")
    train_tiny(tmp_path / "torn", stop_after_seconds=0)
    with (tmp_path / "torn" / "metrics.jsonl").open("a") as file:
        file.write('{"step": 2, "lo')
    assert train_tiny(tmp_path / "torn").history == expected.history == history(tmp_path / "torn")


def test_rows_that_someone_lost_or_changed_come_back_from_the_checkpoint(tmp_path: Path) -> None:
    expected = train_tiny(tmp_path / "whole")
    for _ in range(6):
        train_tiny(tmp_path / "hurt", stop_after_seconds=0)
    log = tmp_path / "hurt" / "metrics.jsonl"
    lines = log.read_text().splitlines(keepends=True)
    log.write_text(lines[0] + lines[1].replace("loss", "lost") + lines[5])
    assert train_tiny(tmp_path / "hurt").history == expected.history == history(tmp_path / "hurt")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_while_logging_is_explained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened = Path.open

    def open_full(path: Path, *arguments: Any, **options: Any) -> Any:
        return opened(Path("/dev/full") if path.name == "metrics.jsonl" else path, *arguments, **options)

    monkeypatch.setattr(Path, "open", open_full)
    with pytest.raises(GptreproError, match=r"disk is full while writing .*metrics.jsonl.*last checkpoint"):
        train_tiny(tmp_path)
