"""The training loop of all three papers: data, model, step, log, save."""

from __future__ import annotations

import contextlib
import math
import signal
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar, cast

import torch
from torch import Tensor, nn

from gptrepro.errors import GptreproError
from gptrepro.parallel import ONE, World
from gptrepro.progress import TrainingDisplay
from gptrepro.train.compiling import CompiledLoss, Loss
from gptrepro.train.divergence import LossWatch
from gptrepro.train.feed import BatchSource, passes
from gptrepro.train.interrupt import stop_on_signals
from gptrepro.train.lock import sole_trainer
from gptrepro.train.log import MetricsLog, Row
from gptrepro.train.optimizer import build_optimizer, set_learning_rate
from gptrepro.train.precision import Precision, choose_device, choose_precision
from gptrepro.train.resolved import Resolved
from gptrepro.train.settings import TrainSettings
from gptrepro.train.state import (
    TrainingState,
    branch_point,
    newest_checkpoint,
    open_branch_point,
    restore,
    save_checkpoint,
    save_weights,
    weights_file,
)
from gptrepro.train.stopping import EarlyStopping, best_weights

M = TypeVar("M", bound=nn.Module)


class Interrupted(GptreproError):  # noqa: N818 - nothing failed
    """A signal stopped the training, which has saved everything."""

    exit_status = 130


@dataclass(frozen=True)
class TrainResult:
    """What a training has reached."""

    finished: bool
    """False when ``stop_after_seconds`` was used up; the same call goes on. One that was stopped early is
    finished."""
    step: int
    """Updates made so far."""
    tokens: int
    """Tokens processed so far."""
    seconds: float
    """Time spent so far, over every call."""
    history: list[Row]
    """The rows of ``metrics.jsonl``."""
    resolved: Resolved | None = None
    """Where and how it was computed; None for what is counted and not trained."""


def train(
    model: M,
    batches: BatchSource,
    settings: TrainSettings,
    folder: Path,
    *,
    evaluate: Callable[[M], Mapping[str, float]] | None = None,
    device: str = "auto",
    stop_after_seconds: float | None = None,
    name: str = "training",
    progress: bool = True,
    world: World = ONE,
    branch_from: Path | None = None,
    stopping: EarlyStopping | None = None,
    keep_last: bool = True,
    on_row: Callable[[Row], None] | None = None,
) -> TrainResult:
    """Train ``model`` in place, or go on where an earlier call in the same ``folder`` stopped.

    However often it is stopped or killed, a training on the CPU gives the same losses, step for step:
    a checkpoint holds the weights, the optimiser, the position in the data and the random generators.
    (CUDA adds up some gradients in an order of its own, so there the last digits may differ.)

    Args:
        model: has ``loss(*batch) -> scalar``, a mean in nats, as `Decoder` does.
        batches: gives the arguments of ``model.loss``, such as ``ids, targets``, (B, T) int64 each.
        settings: see `TrainSettings`.
        folder: gets ``metrics.jsonl``, ``checkpoints/`` and ``weights/``; one training a folder.
        evaluate: metrics that are added to the rows of the chosen steps; called in evaluation mode.
        device: ``auto``, ``cpu``, ``cuda`` or ``mps``.
        stop_after_seconds: save and return when they have passed.
        name: what the progress bar says.
        progress: whether to show progress at all.
        world: the processes that train this model together; each calls ``train`` with the same arguments
            (and a device of its own), and they share the folder, in which the first one writes.
        branch_from: what another training has kept (``branch_point``): this one begins there, as if it had
            come so far itself, and its settings may end it in another way.
        stopping: keep the weights that were best when evaluated (``best_weights``), and end when none better
            come.
        keep_last: save the finished training, too; who deletes the folder at once has no use for that.
        on_row: told each row of the log as it comes, in the first process.

    Returns:
        The result; the model is left in evaluation mode, with its last weights.

    Raises:
        Diverged: the loss or the gradient is not finite; the last checkpoint is from before.
        Interrupted: SIGINT or SIGTERM came; everything is saved.
        GptreproError: the folder holds another training or is in use, the disk is full, or another process of
            the world is gone.
    """
    began = time.monotonic()
    place = choose_device(device)
    cuda = [place] if place.type == "cuda" else []
    with (
        contextlib.ExitStack() as held,
        torch.random.fork_rng(cuda),
        stop_on_signals() as request,
    ):
        world.from_first(lambda: held.enter_context(sole_trainer(folder)))
        torch.manual_seed(settings.seed)
        model.to(place)
        checkpoint = world.from_first(lambda: newest_checkpoint(folder / "checkpoints"))
        as_branch = checkpoint is None and branch_from is not None
        if as_branch:
            checkpoint = world.from_first(lambda: open_branch_point(cast(Path, branch_from)))
        begun = checkpoint.resolved if checkpoint is not None else None
        precision = world.from_first(
            lambda: choose_precision(settings.precision, place, begun.precision if begun else None).name
        )
        number_format = Precision(precision, place)
        wanted = place.type == "cuda" if settings.compile is None else settings.compile
        compiles = wanted and not (checkpoint is not None and checkpoint.failed_to_compile)
        loss_of = cast(Loss, model.loss)
        if compiles:
            loss_of = CompiledLoss(model, loss_of)
        state = TrainingState(
            model,
            build_optimizer(model, settings),
            number_format.scaler(),
            batches,
            settings,
            place,
            Resolved(place.type, precision, compiles, world.size),
        )
        if checkpoint is not None:
            restore(state, checkpoint, branch=as_branch)
        world.copy_from_first(model.state_dict().values())
        now = state.progress
        spent_before, last_save = now.seconds, began

        with (
            MetricsLog(folder / "metrics.jsonl" if world.first else None, state.rows) as log,
            TrainingDisplay(name, now.step, settings.steps, progress and world.first) as display,
        ):
            losses = LossWatch(state, world)
            if now.step == 0:
                if evaluate is not None and 0 in settings.evaluate_at:
                    log.append({"step": 0, "tokens": 0} | _evaluated(evaluate, model, cuda, world))
                if 0 in settings.checkpoint_at:
                    world.from_first(lambda: save_weights(model, weights_file(folder, 0)))

            while now.step < settings.steps and not (stopping and stopping.is_over(log.rows)):
                # data
                batches.batch_size = settings.sequences(now.tokens)
                batch = _checked(batches.next(), settings.context)
                now.step += 1
                now.tokens += batch[0].numel()

                # model
                model.train()
                world.seed_noise(settings.seed, now.step)
                shares = passes(batch, settings.accumulate, world)
                loss = _backward(loss_of, shares, number_format, state.scaler)
                world.add_up_gradients(model.parameters())

                # step
                rate = settings.learning_rate(now.step, now.tokens)
                losses.add(loss, gradient_norm := _update(state, rate))

                # log
                if settings.logs_after(now.step):
                    row: Row = {"step": now.step, "tokens": now.tokens, "loss": losses.mean(), "lr": rate}
                    if math.isfinite(norm := float(gradient_norm)):  # in fp16 it may have overflowed
                        row["grad_norm"] = norm
                    if evaluate is not None and settings.evaluates_after(now.step):
                        row |= _evaluated(evaluate, model, cuda, world)
                    log.append(row)
                    if on_row is not None and world.first:
                        on_row(row)
                if isinstance(loss_of, CompiledLoss):
                    state.resolved = replace(state.resolved, compiled=loss_of.works)
                display.update(now.step, batch[0].numel(), losses.last_mean, str(state.resolved))

                # save
                if now.step in settings.checkpoint_at:
                    losses.settle()
                    world.from_first(lambda: save_weights(model, weights_file(folder, now.step)))
                if stopping and settings.evaluates_after(now.step) and stopping.improved(log.rows):
                    world.from_first(lambda: save_weights(model, best_weights(folder)))
                if now.step in settings.branch_at:
                    losses.settle()
                    kept = branch_point(folder, now.step).parent
                    world.from_first(lambda: save_checkpoint(state, kept, keep_all=True))  # noqa: B023
                clock = time.monotonic()
                now.seconds = spent_before + clock - began
                time_is_up, save_is_due, stop_signal = world.largest(
                    [
                        int(stop_after_seconds is not None and clock - began >= stop_after_seconds),
                        int(clock - last_save >= settings.checkpoint_every_seconds),
                        int(request.signal or 0),
                    ]
                )
                over = now.step == settings.steps or (stopping is not None and stopping.is_over(log.rows))
                if time_is_up or save_is_due or stop_signal or over:
                    losses.settle()
                    if keep_last or not over:
                        world.from_first(lambda: save_checkpoint(state, folder / "checkpoints"))
                    last_save = time.monotonic()
                if stop_signal:
                    raise Interrupted(
                        f"Stopped by {signal.Signals(stop_signal).name} after step {now.step:,} of "
                        f"{settings.steps:,}; everything is saved in {folder}: run the same command again to "
                        "go on."
                    )
                if time_is_up:
                    break

        model.eval()
        finished = now.step == settings.steps or (stopping is not None and stopping.is_over(log.rows))
        return TrainResult(finished, now.step, now.tokens, now.seconds, log.rows, state.resolved)


def _checked(batch: tuple[Tensor, ...], context: int) -> tuple[Tensor, ...]:
    """The batch, if its sequences are no longer than ``context``."""
    if batch[0].shape[-1] > context:
        raise GptreproError(
            f"The batches hold sequences of {batch[0].shape[-1]} tokens and the settings say context "
            f"{context}: make the two agree."
        )
    return batch


def _backward(
    loss_of: Loss,
    weighted_passes: Iterable[tuple[tuple[Tensor, ...], float]],
    precision: Precision,
    scaler: torch.amp.GradScaler,
) -> Tensor:
    """Leave the (scaled) gradient of the passes' weighted loss in the parameters; return that loss."""
    total = torch.zeros((), dtype=torch.float64, device=precision.device)
    for part, weight in weighted_passes:
        moved = part
        if precision.device.type == "cuda":
            moved = tuple(t.pin_memory().to(precision.device, non_blocking=True) for t in part)
        with precision.autocast():
            loss = loss_of(*moved)
        torch.autograd.backward(scaler.scale(loss * weight))
        total += loss.detach() * weight
    return total


def _update(state: TrainingState, rate: float) -> Tensor:
    """Clip, take the optimiser's step, clear the gradient; return its norm before clipping."""
    set_learning_rate(state.optimizer, rate)
    state.scaler.unscale_(state.optimizer)
    limit = math.inf if state.settings.clip_norm is None else state.settings.clip_norm
    norm = nn.utils.clip_grad_norm_(state.model.parameters(), limit)
    state.scaler.step(state.optimizer)  # which skips the step where fp16 has overflowed
    state.scaler.update()
    state.optimizer.zero_grad(set_to_none=True)
    return norm


def _evaluated(
    evaluate: Callable[[M], Mapping[str, float]], model: M, cuda: list[torch.device], world: World
) -> Row:
    """The metrics of ``evaluate`` on the first rank, without a trace in the training.

    It leaves neither gradients nor random numbers behind.
    """
    model.eval()
    with torch.inference_mode(), torch.random.fork_rng(cuda):
        return world.from_first(lambda: dict(evaluate(model)))
