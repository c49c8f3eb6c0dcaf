"""Checkpoint folders: ``config.json``, ``model.safetensors`` and the tokenizer's files."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, Protocol

import safetensors.torch
import torch
from safetensors import SafetensorError, safe_open

from gptrepro.checkpoints.layouts import from_json, layout_of, stored_name, to_json, trained_context
from gptrepro.errors import GptreproError
from gptrepro.model import Decoder, DecoderConfig
from gptrepro.model.init import without_storage
from gptrepro.storage import atomic_file, read_json, write_text

WEIGHTS = "model.safetensors"
INDEX = "model.safetensors.index.json"
BUFFERS = re.compile(r"h\.\d+\.attn\.(bias|masked_bias)")
"""Constants, not parameters, that old ``transformers`` folders keep beside the weights: the causal mask."""


class SavedTokenizer(Protocol):
    """What saving asks of a tokenizer."""

    end_of_text: int | None

    def save(self, folder: Path) -> None:
        """Write the tokenizer's files into ``folder``."""


def save_checkpoint(
    folder: Path,
    model: Decoder,
    tokenizer: SavedTokenizer | None = None,
    *,
    trained_context: int | None = None,
) -> None:
    """Write a folder that `load_checkpoint` reads, and ``transformers`` too where it has the architecture.

    Each file appears atomically; other files in ``folder`` stay.

    Args:
        folder: it is made where it is missing.
        model: what is written.
        tokenizer: its files stand beside the weights.
        trained_context: the longest sequence that the model was trained on, in tokens, where it is shorter
            than its table of positions; see `load_trained_context`.

    Raises:
        GptreproError: the disk is full or the folder may not be written.
    """
    layout = layout_of(model.config)
    tensors = {
        stored_name(name, layout): parameter.detach().cpu().contiguous()
        for name, parameter in model.named_parameters()
    }
    with atomic_file(folder / WEIGHTS) as temporary:
        # Through Python's own write: the file writer of safetensors hides the error number of a full disk.
        temporary.write_bytes(safetensors.torch.save(tensors, metadata={"format": "pt"}))
    content = to_json(model.config, None if tokenizer is None else tokenizer.end_of_text, trained_context)
    write_text(folder / "config.json", json.dumps(content, indent=2) + "\n")
    if tokenizer is not None:
        tokenizer.save(folder)


def load_checkpoint(folder: Path) -> Decoder:
    """The decoder of a folder that we or ``transformers`` wrote for GPT-1 or GPT-2, ready to evaluate.

    Weights become float32. The folder of another architecture, with damaged files, or with pickled weights
    alone is refused, and no code from it runs.

    Raises:
        GptreproError: one sentence that says which file is wrong and why.
    """
    content, config = _json(folder / "config.json"), load_config(folder)
    files = _weight_files(folder)
    try:
        shapes = {name: shape for file in files for name, shape in _shapes(file).items()}
        names = _match(config, content["model_type"], shapes, folder)
        tensors = {
            name: tensor for file in files for name, tensor in safetensors.torch.load_file(file).items()
        }
    except SafetensorError as error:
        raise GptreproError(
            f"The weights in {folder} are damaged or incomplete ({error}): copy or download them again."
        ) from error
    weights = {ours: _weight(theirs, tensors[theirs], folder) for ours, theirs in names.items()}
    if "lm_head.weight" in tensors and not torch.equal(
        tensors["lm_head.weight"], tensors[names["wte.weight"]]
    ):
        raise GptreproError(
            f"The output layer in {folder} is not its token embedding: GPT-1 and GPT-2 share the two."
        )
    with without_storage():
        decoder = Decoder(config)
    decoder.load_state_dict(weights, assign=True)
    return decoder.eval()


def load_config(folder: Path) -> DecoderConfig:
    """The configuration of a checkpoint folder.

    Raises:
        GptreproError: there is no usable ``config.json``.
    """
    return from_json(_json(folder / "config.json"), str(folder / "config.json"))


def load_trained_context(folder: Path) -> int:
    """The longest sequence, in tokens, that the model of a folder was trained on.

    Positions beyond it hold what they were initialised with. Folders of others do not state it: there it is
    the model's whole context.

    Raises:
        GptreproError: there is no usable ``config.json``.
    """
    place = folder / "config.json"
    content = _json(place)
    return trained_context(content, from_json(content, str(place)), str(place))


def _weight(name: str, tensor: torch.Tensor, folder: Path) -> torch.Tensor:
    """A stored tensor as float32, if it holds finite real numbers."""
    if not tensor.is_floating_point():
        kind = str(tensor.dtype).removeprefix("torch.")
        raise GptreproError(f"{name} in {folder} holds {kind}, not real numbers: export the weights again.")
    weight = tensor.to(torch.float32, copy=True)
    if not torch.isfinite(weight).all():
        raise GptreproError(
            f"{name} in {folder} holds numbers that are infinite or NaN: its training diverged or the file "
            "is damaged; train, copy or download it again."
        )
    return weight


def _json(path: Path) -> dict[str, Any]:
    otherwise = f"a checkpoint folder holds config.json and {WEIGHTS}; copy or download it again"
    return read_json(path, dict[str, Any], "checkpoint file", otherwise)


def _weight_files(folder: Path) -> list[Path]:
    """The folder's safetensors files: one, or those that an index lists."""
    if (folder / WEIGHTS).is_file():
        return [folder / WEIGHTS]
    if (folder / INDEX).is_file():
        index = _json(folder / INDEX)
        listed = index.get("weight_map")
        if not isinstance(listed, dict) or not all(isinstance(name, str) for name in listed.values()):
            raise GptreproError(f"{folder / INDEX} lists no files of weights: copy or download it again.")
        files = [folder / Path(name).name for name in sorted(set(listed.values()))]  # no path leads outside
        missing = [file.name for file in files if not file.is_file()]
        if missing:
            raise GptreproError(
                f"{folder} lacks {missing[0]}, which its index lists: copy or download it again."
            )
        return files
    if any(folder.glob("*.bin")):
        raise GptreproError(
            f"{folder} holds pickled weights only, which can run code when they are opened: convert them "
            f"with transformers' save_pretrained, which writes {WEIGHTS}."
        )
    raise GptreproError(f"{folder} holds no weights: a checkpoint folder has config.json and {WEIGHTS}.")


def _shapes(file: Path) -> dict[str, tuple[int, ...]]:
    with safe_open(file, framework="pt") as opened:
        return {name: tuple(opened.get_slice(name).get_shape()) for name in opened.keys()}  # noqa: SIM118


def _match(
    config: DecoderConfig, layout: str, shapes: dict[str, tuple[int, ...]], folder: Path
) -> dict[str, str]:
    """Our parameter names and the stored names that hold them, after every shape is checked."""

    def refusal(reason: str) -> GptreproError:
        return GptreproError(f"The weights in {folder} do not fit its config.json: {reason}.")

    # Released files leave the prefix out; the causal mask and a tied output layer are no parameters of ours.
    stored = {name.removeprefix("transformer."): name for name in shapes}
    stored = {name: full for name, full in stored.items() if not BUFFERS.fullmatch(name)}
    stored.pop("lm_head.weight", None)
    layers = len({name.split(".")[1] for name in stored if name.startswith("h.")})
    if layers != config.n_layers:  # before a decoder of a million layers is built
        raise refusal(f"they have {layers} layers, not {config.n_layers}")
    try:
        with without_storage():
            expected = {name: tuple(p.shape) for name, p in Decoder(config).named_parameters()}
    except RuntimeError as error:
        raise refusal(f"its sizes are impossible ({error})") from error
    names = {}
    for name, shape in expected.items():
        full = stored.pop(stored_name(name, layout).removeprefix("transformer."), None)
        if full is None:
            raise refusal(f"{name} is missing")
        if shapes[full] != shape:
            raise refusal(f"{full} has the shape {list(shapes[full])}, not {list(shape)}")
        names[name] = full
    if stored:
        raise refusal(f"the model has no place for {min(stored.values())}")
    return names
