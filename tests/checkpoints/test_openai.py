"""OpenAI's GPT-1 arrays, made up in the original layout."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch

from gptrepro.checkpoints import load_openai_gpt1
from gptrepro.errors import GptreproError
from gptrepro.model import Decoder, DecoderConfig
from tests.checkpoints.hostile import Tripwire, is_armed
from tests.model.small import small_decoder


def released_shapes(n_vocab: int, n_ctx: int, n_layers: int, width: int) -> list[list[int]]:
    """The shapes as the release lists them: matrices are kernels of a width-1 convolution."""
    block = [
        *([1, width, 3 * width], [3 * width]),
        *([1, width, width], [width]),
        *([width], [width]),
        *([1, width, 4 * width], [4 * width]),
        *([1, 4 * width, width], [width]),
        *([width], [width]),
    ]
    return [[n_ctx, width], [n_vocab, width], *block * n_layers]


def in_released_order(model: Decoder) -> list[np.ndarray]:
    """The parameters one after the other as the released code creates them."""
    arrays = [model.wpe.weight, model.wte.weight]
    for block in model.h:
        for part in (block.attn.c_attn, block.attn.c_proj, block.ln_1):
            arrays += [part.weight, part.bias]
        for part in (block.mlp.c_fc, block.mlp.c_proj, block.ln_2):
            arrays += [part.weight, part.bias]
    return [array.detach().numpy().ravel() for array in arrays]


def write_release(folder: Path, model: Decoder) -> None:
    vector = np.concatenate(in_released_order(model))
    for number, piece in enumerate(np.array_split(vector, 10)):  # pieces cut through the parameters
        np.save(folder / f"params_{number}.npy", piece)
    c = model.config
    shapes = released_shapes(c.n_vocab, c.n_ctx, c.n_layers, c.d_model)
    (folder / "params_shapes.json").write_text(json.dumps(shapes))


def test_the_arrays_become_the_same_decoder(tmp_path: Path) -> None:
    model = small_decoder(norm="post")
    write_release(tmp_path, model)
    loaded = load_openai_gpt1(tmp_path, n_heads=4)
    assert loaded.config == model.config
    ids = torch.randint(61, (2, 20))
    assert torch.equal(loaded(ids), model(ids))


@pytest.mark.slow
def test_arrays_of_the_real_shapes(tmp_path: Path) -> None:
    """116,534,784 numbers: zeros on disk (sparse), with a marker at the start of every parameter."""
    shapes = released_shapes(40478, 512, 12, 768)
    (tmp_path / "params_shapes.json").write_text(json.dumps(shapes))
    starts = np.cumsum([0, *map(math.prod, shapes)])
    assert starts[-1] == 116_534_784
    bounds = np.linspace(0, starts[-1], 11).astype(int)
    for number, (low, high) in enumerate(pairwise(bounds.tolist())):
        path = tmp_path / f"params_{number}.npy"
        array = np.lib.format.open_memmap(path, mode="w+", dtype=np.float32, shape=(high - low,))
        for index, start in enumerate(starts[:-1]):
            if low <= start < high:
                array[start - low] = index + 1
    model = load_openai_gpt1(tmp_path)
    assert model.config == DecoderConfig(40478, 512, 12, 768, 12)
    assert sum(p.numel() for p in model.parameters()) == 116_534_784
    assert (model.wpe.weight[0, 0], model.wte.weight[0, 0]) == (1, 2)
    last = model.h[11]
    parts = (last.attn.c_attn, last.attn.c_proj, last.ln_1, last.mlp.c_fc, last.mlp.c_proj, last.ln_2)
    markers = [p.flatten()[0].item() for part in parts for p in (part.weight, part.bias)]
    assert markers == [2 + 11 * 12 + place for place in range(1, 13)]


def truncate(folder: Path) -> None:
    path = folder / "params_3.npy"
    path.write_bytes(path.read_bytes()[:-400])


def shorten(folder: Path) -> None:
    np.save(folder / "params_3.npy", np.load(folder / "params_3.npy")[:-7])


def change_shapes(change: Callable[[list], object]) -> Callable[[Path], None]:
    def damage(folder: Path) -> None:
        shapes = json.loads((folder / "params_shapes.json").read_text())
        change(shapes)
        (folder / "params_shapes.json").write_text(json.dumps(shapes))

    return damage


BAD: dict[str, tuple[Callable[[Path], object], str]] = {
    "an array is missing": (lambda folder: (folder / "params_9.npy").unlink(), "params_9.npy cannot be read"),
    "an array is truncated": (truncate, "params_3.npy is not a plain numpy array"),
    "an array is empty": (
        lambda folder: (folder / "params_3.npy").write_bytes(b""),
        "not a plain numpy array",
    ),
    "numbers are missing": (shorten, "asks for"),
    "whole numbers": (lambda folder: np.save(folder / "params_3.npy", np.arange(9)), "array of floats"),
    "a matrix": (lambda folder: np.save(folder / "params_3.npy", np.ones((3, 3))), "one-dimensional"),
    "an archive": (
        lambda folder: np.savez((folder / "params_3.npy").open("wb"), np.ones(3)),
        "one-dimensional",
    ),
    "no shapes": (lambda folder: (folder / "params_shapes.json").unlink(), "There is no list of shapes"),
    "shapes are no JSON": (lambda folder: (folder / "params_shapes.json").write_text("]"), "not valid JSON"),
    "shapes are something else": (
        lambda folder: (folder / "params_shapes.json").write_text('{"a": 1}'),
        "not a list",
    ),
    "a negative size": (
        change_shapes(lambda shapes: shapes.__setitem__(0, [-64, 32])),
        "not a list of shapes",
    ),
    "a missing shape": (change_shapes(lambda shapes: shapes.pop()), "which is not GPT-1's list"),
    "another order": (
        change_shapes(lambda shapes: shapes.insert(2, shapes.pop(4))),
        "c_attn.weight the shape",
    ),
    "a huge size": (change_shapes(lambda shapes: shapes.__setitem__(1, [2**30, 32])), "asks for"),
}


@pytest.mark.parametrize(("damage", "sentence"), BAD.values(), ids=BAD.keys())
def test_bad_files_get_one_sentence(damage: Callable[[Path], object], sentence: str, tmp_path: Path) -> None:
    write_release(tmp_path, small_decoder(norm="post"))
    damage(tmp_path)
    with pytest.raises(GptreproError, match=sentence) as caught:
        load_openai_gpt1(tmp_path, n_heads=4)
    assert "\n" not in str(caught.value)


def test_arrays_of_objects_are_refused_and_never_unpickled(tmp_path: Path) -> None:
    write_release(tmp_path, small_decoder(norm="post"))
    trace = tmp_path / "trace"
    np.save(tmp_path / "params_3.npy", np.array([Tripwire(trace)], dtype=object), allow_pickle=True)
    with pytest.raises(GptreproError, match=r"params_3\.npy is not a plain numpy array"):
        load_openai_gpt1(tmp_path, n_heads=4)
    assert not trace.exists()
    _, pickled = (tmp_path / "params_3.npy").read_bytes().split(b"\n", maxsplit=1)
    assert is_armed(pickled)
