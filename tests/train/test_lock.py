"""One process a training."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from gptrepro.errors import GptreproError
from tests.train.tiny import history, processes, start, train_tiny


@processes
def test_a_second_process_in_the_folder_is_turned_away(tmp_path: Path) -> None:
    child = start(tmp_path, steps=5000)
    while len(history(tmp_path)) < 1 and child.is_alive():
        time.sleep(0.005)
    with pytest.raises(GptreproError, match="Another process is training"):
        train_tiny(tmp_path, steps=5000)
    child.kill()
    child.join()
    assert train_tiny(tmp_path, steps=5000, stop_after_seconds=0).step >= 1  # a killed one has let go
