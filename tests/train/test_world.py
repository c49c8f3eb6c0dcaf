"""Two processes train one model: the same losses, one writer, and a stop that all of them obey."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.distributed as dist

from gptrepro.errors import GptreproError
from gptrepro.parallel import World
from gptrepro.train.lock import sole_trainer
from gptrepro.train.loop import Interrupted, train
from tests.train.tiny import (
    checkpoints,
    history,
    processes,
    tiny_batches,
    tiny_model,
    tiny_settings,
    train_tiny,
)

pytestmark = [processes, pytest.mark.skipif(not dist.is_available(), reason="needs torch.distributed")]

Job = Callable[[World, Path], Any]


def _rank(rank: int, size: int, folder: Path, job: Job, said: Any) -> None:
    torch.set_num_threads(1)
    os.environ["GLOO_SOCKET_IFNAME"] = "lo"
    meeting = f"file://{folder / 'meeting'}"
    dist.init_process_group(
        "gloo", init_method=meeting, rank=rank, world_size=size, timeout=timedelta(seconds=60)
    )
    try:
        answer = job(World.of_process_group(), folder)
    except GptreproError as error:
        answer = f"{type(error).__name__}: {error}"
    said.put((rank, answer))
    dist.destroy_process_group()


def together(folder: Path, job: Job, size: int = 2) -> list[Any]:
    """What ``job`` gives on each of ``size`` processes that know one another."""
    folder.mkdir(exist_ok=True)
    (folder / "meeting").unlink(missing_ok=True)
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.train.test_world", "torch._dynamo"])
    said = context.Queue()
    ranks = [context.Process(target=_rank, args=(rank, size, folder, job, said)) for rank in range(size)]
    for process in ranks:
        process.start()
    answers = dict(said.get(timeout=120) for _ in ranks)
    for process in ranks:
        process.join()
    return [answers[rank] for rank in range(size)]


def of_five_rows(world: World, folder: Path, batch_size: int = 5) -> list[float]:
    """Losses and gradient norms of 20 updates in fp64."""
    model = tiny_model(dropout=0.0).to(torch.float64)
    settings = tiny_settings(steps=20, batch_size=batch_size, clip_norm=0.5)
    result = train(
        model, tiny_batches(), settings, folder / "training", device="cpu", progress=False, world=world
    )
    return [row[key] for row in result.history for key in ("loss", "grad_norm")]


def of_two_rows(world: World, folder: Path) -> list[float]:
    """As ``of_five_rows``; of three ranks, one has no rows."""
    return of_five_rows(world, folder, batch_size=2)


@pytest.mark.parametrize(("size", "job"), [(2, of_five_rows), (3, of_two_rows)])
def test_ranks_repeat_the_losses_and_gradient_norms_of_one_process(
    tmp_path: Path, size: int, job: Job
) -> None:
    alone = job(World(), tmp_path / "alone")
    answers = together(tmp_path / "together", job, size)
    assert len(alone) == 40
    for answer in answers:
        assert answer == pytest.approx(alone, abs=1e-10)


def whole(world: World, folder: Path) -> tuple[list[dict[str, float]], float]:
    model = tiny_model()
    settings = tiny_settings(steps=8, log_every=3)
    rows = train(model, tiny_batches(), settings, folder / "whole", progress=False, world=world).history
    return rows, float(model.wte.weight.double().sum())


def in_pieces(world: World, folder: Path) -> tuple[list[dict[str, float]], float]:
    """As ``whole``, stopped after every update by the clock of one rank only."""
    for _ in range(8):
        result = train(
            model := tiny_model(),
            tiny_batches(),
            tiny_settings(steps=8, log_every=3),
            folder / "pieces",
            stop_after_seconds=0 if world.rank == 1 else None,
            progress=False,
            world=world,
        )
    assert result.finished
    return result.history, float(model.wte.weight.double().sum())


def both(world: World, folder: Path) -> tuple[Any, Any]:
    return whole(world, folder), in_pieces(world, folder)


def test_a_training_of_two_that_one_stops_is_resumed_by_two(tmp_path: Path) -> None:
    answers = together(tmp_path, both)
    (first_whole, first_pieces), second = answers[0], answers[1]
    assert first_whole == first_pieces
    assert (first_whole, first_pieces) == second
    assert len(first_whole[0]) == 3


def noise(world: World, folder: Path) -> list[list[float]]:
    """A number of each rank's generator in updates 3, 4, and 3 again."""
    drawn = []
    for update in (3, 4, 3):
        world.seed_noise(7, update)
        drawn.append(float(torch.rand(())))
    return drawn


def test_dropout_noise_depends_on_seed_update_and_rank_alone(tmp_path: Path) -> None:
    drawn = together(tmp_path, noise)
    assert all(of_rank[0] == of_rank[2] for of_rank in drawn)
    assert len({number for of_rank in drawn for number in of_rank}) == 4


def signalled(world: World, folder: Path) -> Any:
    """A training in which the second rank gets a signal in its fifth update."""
    batches = tiny_batches()
    take = batches.next
    calls = []

    def next_batch() -> tuple[torch.Tensor, torch.Tensor]:
        calls.append(1)
        if world.rank == 1 and len(calls) == 5:
            signal.raise_signal(signal.SIGTERM)
        return take()

    batches.next = next_batch  # type: ignore[method-assign]
    train(tiny_model(), batches, tiny_settings(), folder / "training", progress=False, world=world)


def test_a_signal_to_one_rank_stops_all_after_the_same_update(tmp_path: Path) -> None:
    answers = together(tmp_path, signalled)
    assert answers[0] == answers[1]
    assert answers[0].startswith(f"{Interrupted.__name__}: Stopped by SIGTERM after step 5 of 12")
    assert [path.name for path in checkpoints(tmp_path / "training")] == ["step-00000005"]
    assert len(history(tmp_path / "training")) == 5


def test_all_ranks_are_told_why_the_first_cannot_begin(tmp_path: Path) -> None:
    with sole_trainer(tmp_path / "whole"):
        answers = together(tmp_path, whole)
    assert answers[0] == answers[1]
    assert "Another process is training in" in answers[0]


def test_one_process_is_a_plain_loop_to_the_last_bit(tmp_path: Path) -> None:
    trained, plain = tiny_model(), tiny_model()
    logged = [row["loss"] for row in train_tiny(tmp_path, model=trained).history]
    settings, batches, losses = tiny_settings(), tiny_batches(), []
    optimizer = torch.optim.AdamW(
        [
            {"params": [p for p in plain.parameters() if p.ndim >= 2], "weight_decay": 0.01},
            {"params": [p for p in plain.parameters() if p.ndim < 2], "weight_decay": 0.0},
        ],
        betas=(0.9, 0.999),
        eps=1e-8,
        fused=True,
    )
    torch.manual_seed(settings.seed)
    for step in range(1, settings.steps + 1):
        loss = plain.loss(*batches.next())
        loss.backward()
        torch.nn.utils.clip_grad_norm_(plain.parameters(), 1.0)
        for group in optimizer.param_groups:
            group["lr"] = settings.learning_rate(step, 0)
        optimizer.step()
        optimizer.zero_grad()
        losses.append(float(loss.detach()))
    assert logged == losses
    assert all(torch.equal(a, b) for a, b in zip(trained.parameters(), plain.parameters(), strict=True))
