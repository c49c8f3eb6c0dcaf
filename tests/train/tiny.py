"""A tiny GPT on random tokens, trainable in a process of its own that can be killed."""

from __future__ import annotations

import json
import multiprocessing
import os
import random
import signal
import sys
import time
from dataclasses import dataclass
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from gptrepro.model import Decoder, DecoderConfig
from gptrepro.text.batches import Batches
from gptrepro.train.loop import TrainResult, train
from gptrepro.train.settings import TrainSettings

N_VOCAB, CONTEXT = 61, 12

processes = pytest.mark.skipif(sys.platform == "win32", reason="forks and kills processes")


@dataclass
class Stream:
    """A token stream in memory, in place of shards."""

    tokens: np.ndarray[Any, Any]
    digest: str = "random"


def tiny_model(dropout: float = 0.1, **config: Any) -> Decoder:
    torch.manual_seed(5)
    shape = {"n_layers": 2, "d_model": 16, "n_heads": 2} | config
    return Decoder(DecoderConfig(n_vocab=N_VOCAB, n_ctx=CONTEXT, dropout=dropout, **shape))


def tiny_batches(batch_size: int = 4) -> Batches:
    tokens = np.random.default_rng(3).integers(0, N_VOCAB, 2000).astype(np.uint16)
    return Batches(Stream(tokens), batch_size=batch_size, context=CONTEXT, seed=7)  # type: ignore[arg-type]


def tiny_settings(**settings: Any) -> TrainSettings:
    usual = {"steps": 12, "batch_size": 4, "context": CONTEXT, "peak_lr": 1e-2, "warmup_steps": 3}
    return TrainSettings(**(usual | {"log_every": 1, "precision": "fp32"} | settings))


def train_tiny(folder: Path, dropout: float = 0.1, **settings: Any) -> TrainResult:
    """Train, or go on; arguments of ``train`` and fields of the settings may be mixed."""
    of_train = {
        key: settings.pop(key) for key in ("evaluate", "stop_after_seconds", "stopping") if key in settings
    }
    model = settings.pop("model", None) or tiny_model(dropout)
    return train(model, tiny_batches(), tiny_settings(**settings), folder, device="cpu", **of_train)


def history(folder: Path) -> list[dict[str, float]]:
    """The complete rows of ``metrics.jsonl`` so far."""
    path = folder / "metrics.jsonl"
    lines = path.read_bytes().split(b"\n")[:-1] if path.exists() else []
    return [json.loads(line) for line in lines]


def checkpoints(folder: Path) -> list[Path]:
    """The checkpoints of a training, oldest first."""
    return sorted((folder / "checkpoints").iterdir())


def _train_in_child(folder: Path, settings: dict[str, Any]) -> None:
    torch.set_num_threads(1)
    train_tiny(folder, **settings)


def start(folder: Path, **settings: Any) -> BaseProcess:
    """Train in a process of its own.

    A server imports torch once, with what its optimisers import late, and forks: a start takes
    milliseconds.
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.train.tiny", "torch._dynamo"])
    child = context.Process(target=_train_in_child, args=(folder, settings))
    child.start()
    return child


def kill_at_random(folder: Path, chance: random.Random, **settings: Any) -> int:
    """Start or go on with a training and SIGKILL it after a few more rows; returns rows written by then.

    Raises:
        AssertionError: the training ended before it could be killed.
    """
    child = start(folder, **settings)
    seen = len(history(folder))
    wanted = chance.randint(1, 5)
    deadline = time.monotonic() + 60
    last = history(folder)
    while child.is_alive() and time.monotonic() < deadline:
        rows = history(folder)
        if len(rows) < len(last):  # the child has dropped the rows after its checkpoint
            seen = len(rows)
        last = rows
        if len(rows) >= seen + wanted:
            break
        time.sleep(0.001)
    time.sleep(chance.uniform(0, 0.02))
    assert child.is_alive(), "the training ended before the kill: give it more steps"
    os.kill(child.pid or 0, signal.SIGKILL)
    child.join()
    return len(history(folder))
