"""A first signal saves and stops; a second one acts at once."""

from __future__ import annotations

import os
import signal
import threading
import time
from pathlib import Path

import pytest
import torch

from gptrepro.train.loop import Interrupted
from tests.train.tiny import checkpoints, history, processes, start, train_tiny


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_saves_and_says_how_to_go_on(tmp_path: Path, number: signal.Signals) -> None:
    expected = train_tiny(tmp_path / "whole")
    handlers = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)

    def press(model: torch.nn.Module) -> dict[str, float]:
        if model.training is False and len(history(tmp_path / "stopped")) == 4:
            signal.raise_signal(number)
        return {}

    with pytest.raises(Interrupted, match=f"Stopped by {number.name} after step 5 of 12.*same command again"):
        train_tiny(tmp_path / "stopped", evaluate=press, evaluate_every=1)
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == handlers
    assert train_tiny(tmp_path / "stopped").history == expected.history


def test_a_second_signal_acts_at_once(tmp_path: Path) -> None:
    # A shell starts what runs in its background with SIGINT ignored, and this test may run there.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)

    def press_twice(model: torch.nn.Module) -> dict[str, float]:
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)
        return {}

    try:
        with pytest.raises(KeyboardInterrupt):
            train_tiny(tmp_path, evaluate=press_twice, evaluate_every=1)
    finally:
        signal.signal(signal.SIGINT, before)


def test_training_works_outside_the_main_thread(tmp_path: Path) -> None:
    results = []
    thread = threading.Thread(target=lambda: results.append(train_tiny(tmp_path)))
    thread.start()
    thread.join()
    assert results[0].finished


@processes
def test_sigterm_stops_a_process_with_everything_saved(tmp_path: Path) -> None:
    child = start(tmp_path, steps=500)
    while len(history(tmp_path)) < 3 and child.is_alive():
        time.sleep(0.005)
    os.kill(child.pid or 0, signal.SIGTERM)
    child.join()
    done = len(history(tmp_path))
    assert [path.name for path in checkpoints(tmp_path)] == [f"step-{done:08d}"]
    assert done < 500
