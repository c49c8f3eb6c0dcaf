"""Checkpoints: everything that a training needs to go on as if it had never stopped.

A checkpoint is a folder ``checkpoints/step-00000120``:

    model.safetensors      the weights
    training.safetensors   the optimiser's moments, the states of torch's random generators
    metrics.jsonl          the rows that were logged so far
    state.json             step, batch position, loss scale, settings and what they left to the machine;
                           SHA-256 of all of it

It appears in one rename, so a kill leaves the old ones or the new one. The last two are kept: the
older one takes over should the newer one be damaged.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import warnings
from dataclasses import MISSING, asdict, dataclass, field, fields, is_dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

import torch
from pydantic import BaseModel, ConfigDict
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save
from torch import Tensor, nn

from gptrepro import temporaries
from gptrepro.errors import GptreproError
from gptrepro.storage import (
    atomic_file,
    atomic_folder,
    canonical_json,
    holds,
    parse_json,
    read_json,
    sha256_file,
    sha256_text,
    write_text,
)
from gptrepro.train.feed import BatchSource
from gptrepro.train.log import Row, read_rows, write_rows
from gptrepro.train.optimizer import load_optimizer_tensors, optimizer_tensors
from gptrepro.train.resolved import Resolved
from gptrepro.train.settings import NEUTRAL_SETTINGS, OWN_SETTINGS_OF_A_BRANCH, TrainSettings

KEPT_CHECKPOINTS = 2
_TENSOR_FILES = {"model.safetensors", "training.safetensors"}
_STRICT = ConfigDict(extra="forbid", frozen=True)


@dataclass
class Progress:
    """How far a training has come."""

    __pydantic_config__: ClassVar = ConfigDict(extra="forbid", allow_inf_nan=False)

    step: int = 0
    """Updates made."""
    tokens: int = 0
    """Tokens processed."""
    seconds: float = 0.0
    """Time spent training, over all the processes that took part."""
    loss_sum: float = 0.0
    """Sum of the losses since the last logged row."""
    loss_count: int = 0


@dataclass
class TrainingState:
    """The moving parts of a training that a checkpoint holds."""

    model: nn.Module
    optimizer: torch.optim.Optimizer
    scaler: torch.amp.GradScaler
    batches: BatchSource
    settings: TrainSettings
    device: torch.device
    resolved: Resolved
    progress: Progress = field(default_factory=Progress)
    rows: list[Row] = field(default_factory=list)
    """What was logged so far."""


class Content(BaseModel):
    """What ``state.json`` says of a training."""

    model_config = _STRICT

    progress: Progress
    batches: dict[str, Any]
    scaler: dict[str, Any]
    settings: dict[str, Any]
    resolved: Resolved | None = None
    """What the machine decided when the training was saved; None in checkpoints of gptrepro 0.1."""
    model: dict[str, Any]
    files: dict[str, str]
    """SHA-256 by name."""


class _Signed(BaseModel):
    """``state.json``: a `Content` as it was written, and its SHA-256."""

    model_config = _STRICT

    content: dict[str, Any]
    sha256: str


@dataclass(frozen=True)
class Checkpoint:
    """An intact checkpoint."""

    path: Path
    content: Content

    @property
    def resolved(self) -> Resolved | None:
        """See `Content`."""
        return self.content.resolved

    @property
    def failed_to_compile(self) -> bool:
        """Whether the training was to run compiled and did not."""
        if self.resolved is None or self.resolved.compiled:
            return False
        asked = self.content.settings.get("compile", False)
        return self.resolved.device == "cuda" if asked is None else bool(asked)


def save_checkpoint(state: TrainingState, folder: Path, *, keep_all: bool = False) -> None:
    """Write a checkpoint of ``state`` under ``folder`` and drop all but the last two, unless all are kept.

    Raises:
        GptreproError: the disk is full; the earlier checkpoints are untouched.
    """
    with atomic_folder(folder / f"step-{state.progress.step:08d}") as temporary:
        generators = {"generator.cpu": torch.get_rng_state()}
        if state.device.type == "cuda":
            generators["generator.cuda"] = torch.cuda.get_rng_state(state.device)
        _write_tensors(state.model.state_dict(), temporary / "model.safetensors")
        _write_tensors(
            optimizer_tensors(state.model, state.optimizer) | generators, temporary / "training.safetensors"
        )
        write_rows(temporary / "metrics.jsonl", state.rows)
        content = {
            "progress": asdict(state.progress),
            "batches": state.batches.state_dict(),
            "scaler": state.scaler.state_dict(),
            "settings": asdict(state.settings),
            "resolved": asdict(state.resolved),
            "model": _described(state.model),
            "files": {file.name: sha256_file(file) for file in sorted(temporary.iterdir())},
        }
        signed = {"content": content, "sha256": sha256_text(canonical_json(content))}
        write_text(temporary / "state.json", json.dumps(signed, indent=1))
    for old in [] if keep_all else _checkpoints(folder)[KEPT_CHECKPOINTS:]:
        shutil.rmtree(old, ignore_errors=True)


def branch_point(folder: Path, step: int) -> Path:
    """Where ``branch_at`` keeps the checkpoint of a step, under a training's folder."""
    return folder / "branch-points" / f"step-{step:08d}"


def open_branch_point(path: Path) -> Checkpoint:
    """The checkpoint of another training that a branch goes on from.

    Raises:
        GptreproError: it is missing or damaged.
    """
    content = _verified_content(path)
    if content is None:
        raise GptreproError(
            f"There is no intact checkpoint to branch from at {path}: delete that training and run it again."
        )
    return Checkpoint(path, content)


def newest_checkpoint(folder: Path) -> Checkpoint | None:
    """The newest intact checkpoint under ``folder``, if there is one.

    A damaged checkpoint is reported by a warning and the one before it used.
    """
    temporaries.sweep(folder, older_than=0)  # who asks is the only one who trains here
    for checkpoint in _checkpoints(folder):
        content = _verified_content(checkpoint)
        if content is not None:
            return Checkpoint(checkpoint, content)
        warnings.warn(
            f"The checkpoint {checkpoint} is damaged: going on from the one before it, or from the "
            "start if there is none.",
            stacklevel=3,
        )
    return None


def restore(state: TrainingState, checkpoint: Checkpoint, *, branch: bool = False) -> None:
    """Bring ``state`` to where it was when the checkpoint was taken.

    It may be given more steps where that leaves the learning rates of what was done as they were. A
    ``branch`` goes on from the checkpoint of another training and may end in another way. What was done so
    far must be what it would have done itself; the time that it took counts as the other's.

    Raises:
        GptreproError: the checkpoint is of another model or of other settings, or no training wrote it.
    """
    path, content = checkpoint.path, checkpoint.content
    folder = path.parent.parent
    now = json.loads(json.dumps(asdict(state.settings)))
    free = NEUTRAL_SETTINGS | (OWN_SETTINGS_OF_A_BRANCH if branch else frozenset())
    planned: Any = content.settings.get("steps")
    grown = not branch and isinstance(planned, int) and 0 < planned < state.settings.steps
    if grown:
        free |= {"steps"}
    for name, value in content.settings.items():
        if name not in free and now.get(name) != value:
            raise GptreproError(
                f"{folder} holds a training with {name} {value}, not {now.get(name)}: "
                "choose another folder, or delete this one to start anew."
            )
    if grown:
        _require_room(folder, replace(state.settings, steps=planned), state.settings, content.progress.step)
    if _defaults(state.model) | content.model != json.loads(json.dumps(_described(state.model))):
        raise GptreproError(
            f"{folder} holds a training of another model: choose another folder, or "
            "delete this one to start anew."
        )
    try:
        _restore(state, checkpoint, branch)
    # A forged position or tensor is refused wherever it is put to use.
    except (SafetensorError, LookupError, TypeError, ValueError, RuntimeError) as error:
        raise GptreproError(
            f"{path} holds what no training of ours wrote ({type(error).__name__}): delete it, and the "
            "training goes on from the checkpoint before it."
        ) from error


def _require_room(folder: Path, before: TrainSettings, now: TrainSettings, done: int) -> None:
    """Refuse more steps to a training that would have made its first ones at other rates."""
    if not now.begins_as(before, done):
        raise GptreproError(
            f"{folder} holds a training of {before.steps:,} steps whose learning rate has begun to fall, so "
            f"that it cannot become one of {now.steps:,}: a schedule that is constant, or that falls only at "
            "the end (cooldown_steps) and has not begun to, can; or train a new one from its weights."
        )


def _restore(state: TrainingState, checkpoint: Checkpoint, branch: bool) -> None:
    path, content = checkpoint.path, checkpoint.content
    step = content.progress.step
    settings: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in content.settings.items()
    }
    if branch and not state.settings.begins_as(TrainSettings(**settings), step):
        raise GptreproError(
            f"{path.parent.parent} holds a training whose first {step:,} updates had other learning rates: "
            "branch off while its rate is constant, and give the branch the same peak and warm-up."
        )
    _load_into(state.model, load_file(path / "model.safetensors"), path)
    tensors = load_file(path / "training.safetensors")
    load_optimizer_tensors(state.model, state.optimizer, tensors)
    if state.scaler.is_enabled() and content.scaler:
        state.scaler.load_state_dict(content.scaler)
    state.batches.load_state_dict(content.batches)
    state.progress = replace(content.progress)
    if branch:
        state.progress.seconds = 0.0
    # Checkpoints of gptrepro 0.1 left the rows to the log beside them.
    kept = path if "metrics.jsonl" in content.files else path.parent.parent
    state.rows = [row for row in read_rows(kept / "metrics.jsonl") if row["step"] <= state.progress.step]
    torch.set_rng_state(tensors["generator.cpu"])
    if state.device.type == "cuda" and "generator.cuda" in tensors:
        torch.cuda.set_rng_state(tensors["generator.cuda"], state.device)


def weights_file(folder: Path, step: int) -> Path:
    """Where ``checkpoint_at`` keeps the weights of a step, under a training's folder."""
    return folder / "weights" / f"step-{step:08d}.safetensors"


def save_weights(model: nn.Module, path: Path) -> None:
    """Write a model's weights to a safetensors file that holds their SHA-256, too."""
    tensors = model.state_dict()
    with atomic_file(path) as temporary:
        _write_tensors(tensors, temporary, {_SHA256: _digest(tensors)})


def load_weights(model: nn.Module, path: Path) -> None:
    """Put the weights of a safetensors file into ``model``.

    Raises:
        GptreproError: the file is missing or damaged, or belongs to a model of another shape.
    """
    if not path.exists():
        raise GptreproError(f"There are no weights at {path}: train the model first.")
    try:
        with safe_open(path, "pt") as file:
            written = (file.metadata() or {}).get(_SHA256)
        tensors = load_file(path)
    except SafetensorError as error:
        raise _damaged(path, str(error)) from error
    if written not in (None, _digest(tensors)):  # gptrepro 0.1 wrote none
        raise _damaged(path, "their SHA-256 is not that of what was written")
    _load_into(model, tensors, path)


_SHA256 = "tensors_sha256"


def _digest(tensors: dict[str, Tensor]) -> str:
    """SHA-256 over names, number formats, shapes and contents."""
    digest = hashlib.sha256()
    for name, tensor in sorted(tensors.items()):
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
        flat = tensor.detach().cpu().contiguous().reshape(-1)
        digest.update(flat.view(torch.uint8).numpy().data)
    return digest.hexdigest()


def _damaged(path: Path, reason: str) -> GptreproError:
    return GptreproError(f"The weights {path} are damaged ({reason}): delete them and train again.")


def _checkpoints(folder: Path) -> list[Path]:
    """The checkpoints under ``folder``, newest first."""
    return sorted(folder.glob("step-*"), reverse=True)


def _write_tensors(tensors: dict[str, Tensor], path: Path, notes: dict[str, str] | None = None) -> None:
    # Through Python's own write: safetensors' file writer hides the error number of a full disk.
    path.write_bytes(
        save({name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}, notes)
    )


def _verified_content(checkpoint: Path) -> Content | None:
    """What ``state.json`` says if it and the files that it lists are intact, else None."""
    try:
        signed = read_json(checkpoint / "state.json", _Signed)
        written = canonical_json(signed.content)
        content = parse_json(written, Content)
    except (GptreproError, ValueError):
        return None
    intact = signed.sha256 == sha256_text(written) and all(
        holds(checkpoint / name, digest) for name, digest in content.files.items()
    )
    return content if intact and content.files.keys() >= _TENSOR_FILES else None


def _described(model: nn.Module) -> dict[str, Any]:
    """The model's configuration, where it has one."""
    config = getattr(model, "config", None)
    return asdict(config) if is_dataclass(config) and not isinstance(config, type) else {}


def _defaults(model: nn.Module) -> dict[str, Any]:
    """The defaults of the model's configuration: what holds for fields that have come since a checkpoint."""
    config = getattr(model, "config", None)
    known = fields(config) if is_dataclass(config) else ()
    stated = {field.name: field.default for field in known if field.default is not MISSING}
    plain: dict[str, Any] = json.loads(json.dumps(stated))
    return plain


def _load_into(model: nn.Module, tensors: dict[str, Tensor], origin: Path) -> None:
    try:
        model.load_state_dict(tensors)
    except RuntimeError as error:
        raise GptreproError(
            f"{origin} belongs to another model: its parameters have other names or shapes."
        ) from error
