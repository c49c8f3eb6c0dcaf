"""GPT-1 as OpenAI released it: ten numpy files that are one long vector, and a list of shapes.

The folder ``model/`` of the release holds ``params_shapes.json``, a list of shapes, and ``params_0.npy`` to
``params_9.npy``. The ten arrays, concatenated, are all parameters one after the other:

    position embedding   (512, 768)      it comes first
    token embedding      (40478, 768)
    then for each of 12 blocks
    attn/c_attn          w (1, 768, 2304), b     matrices are (in, out) behind the 1 of a width-1 convolution
    attn/c_proj          w (1, 768, 768), b
    ln_1                 g, b
    mlp/c_fc             w (1, 768, 3072), b
    mlp/c_proj           w (1, 3072, 768), b
    ln_2                 g, b
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from gptrepro import storage
from gptrepro.errors import GptreproError
from gptrepro.model import Decoder, DecoderConfig
from gptrepro.model.init import without_storage

FILES = 10
BLOCK = tuple(
    f"{part}.{kind}"
    for part in ("attn.c_attn", "attn.c_proj", "ln_1", "mlp.c_fc", "mlp.c_proj", "ln_2")
    for kind in ("weight", "bias")
)
"""A block's parameters in the order of the release, by our names."""


def load_openai_gpt1(folder: Path, n_heads: int = 12) -> Decoder:
    """The decoder in OpenAI's original files, ready to evaluate.

    Args:
        folder: holds ``params_shapes.json`` and the ten arrays.
        n_heads: attention heads, which the files do not state; GPT-1 has 12.

    Raises:
        GptreproError: a file is missing, damaged, or not what GPT-1's release holds; nothing is unpickled.
    """
    shapes = _shapes(folder / "params_shapes.json")
    n_layers, remainder = divmod(len(shapes) - 2, len(BLOCK))
    if n_layers < 1 or remainder or any(len(shape) != 2 for shape in shapes[:2]):
        raise GptreproError(
            f"{folder / 'params_shapes.json'} lists {len(shapes)} arrays, which is not GPT-1's list: two "
            f"embeddings and {len(BLOCK)} for each block."
        )
    (n_ctx, d_model), (n_vocab, _) = shapes[:2]
    config = DecoderConfig(n_vocab, n_ctx, n_layers, d_model, n_heads)
    with without_storage():
        decoder = Decoder(config)
    names = [
        "wpe.weight",
        "wte.weight",
        *(f"h.{layer}.{name}" for layer in range(n_layers) for name in BLOCK),
    ]
    parameters = dict(decoder.named_parameters())
    for name, shape in zip(names, shapes, strict=True):
        wanted = list(parameters[name].shape)
        if shape not in (wanted, [1, *wanted]):
            raise GptreproError(
                f"{folder / 'params_shapes.json'} gives {name} the shape {shape}, where GPT-1 has {wanted}."
            )

    arrays = [_array(folder / f"params_{number}.npy") for number in range(FILES)]
    total, wanted_total = sum(map(len, arrays)), sum(map(math.prod, shapes))
    if total != wanted_total:
        raise GptreproError(
            f"The arrays in {folder} hold {total} numbers, where its params_shapes.json asks for "
            f"{wanted_total}: copy or download them again."
        )
    values = torch.from_numpy(np.concatenate(arrays, dtype=np.float32))
    pieces = torch.split(values, [math.prod(shape) for shape in shapes])
    weights = {
        name: piece.view(parameters[name].shape).clone() for name, piece in zip(names, pieces, strict=True)
    }
    for name, weight in weights.items():
        if not torch.isfinite(weight).all():
            raise GptreproError(
                f"{name} in {folder} holds numbers that are infinite or NaN: copy or download them again."
            )
    decoder.load_state_dict(weights, assign=True)
    return decoder.eval()


def _shapes(path: Path) -> list[list[int]]:
    shapes = storage.read_json(path, list[list[int]], "list of shapes", "copy or download it again")
    if not all(0 < size < 2**31 for shape in shapes for size in shape):
        raise GptreproError(f"{path} is not a list of shapes: copy or download it again.")
    return shapes


def _array(path: Path) -> NDArray[np.floating[Any]]:
    """A one-dimensional array of floats, mapped and not yet read; arrays of objects are not unpickled."""
    try:
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    except OSError as error:
        raise GptreproError(
            f"{path} cannot be read ({error.strerror or error}): GPT-1 has {FILES} such files."
        ) from error
    except (ValueError, EOFError) as error:
        raise GptreproError(
            f"{path} is not a plain numpy array ({error}): copy or download it again."
        ) from error
    if not isinstance(array, np.ndarray) or array.ndim != 1 or array.dtype.kind != "f":
        raise GptreproError(f"{path} is not a one-dimensional array of floats, as GPT-1's files are.")
    return array
