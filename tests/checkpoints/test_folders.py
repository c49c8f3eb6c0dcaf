"""Checkpoint folders: there and back, to and from transformers, and one sentence for every bad file."""

from __future__ import annotations

import errno
import json
import math
import pickle
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from gptrepro.checkpoints import load_checkpoint, save_checkpoint
from gptrepro.errors import GptreproError
from gptrepro.model import Decoder
from tests.checkpoints.hostile import Tripwire, is_armed
from tests.model.small import randomise, small_decoder

GPT1: dict[str, Any] = {"norm": "post"}
GPT2: dict[str, Any] = {"norm": "pre", "residual_init": "scaled"}
KINDS: dict[str, dict[str, Any]] = {
    "gpt1": GPT1,
    "gpt1-relu": {**GPT1, "activation": "relu", "dropout": 0.2},
    "gpt2": GPT2,
    "gpt2-plain": {
        "norm": "pre",
        "activation": "gelu",
        "d_ff": 48,
        "norm_eps": 1e-6,
        "init_std": 0.01,
        "position_std": 0.005,
    },
    "gpt3": {**GPT2, "attention": ("dense", "banded"), "window": 7},
    "gpt1-exact-gelu": {**GPT1, "activation": "gelu"},
    "odd-heads": {**GPT2, "d_head": 5},
}
IDS = torch.randint(61, (2, 33), generator=torch.Generator().manual_seed(3))


@pytest.mark.parametrize("changes", KINDS.values(), ids=KINDS.keys())
def test_a_saved_decoder_comes_back(changes: dict[str, Any], tmp_path: Path) -> None:
    model = small_decoder(**changes)
    save_checkpoint(tmp_path / "model", model)
    back = load_checkpoint(tmp_path / "model")
    assert back.config == model.config
    assert not back.training
    for name, parameter in model.state_dict().items():
        assert torch.equal(back.state_dict()[name], parameter), name
    back.train().loss(IDS, IDS).backward()  # it can be trained further
    assert back.wte.weight.grad is not None


@pytest.mark.parametrize(
    ("kind", "changes"),
    [
        (kind, changes)
        for kind, changes in KINDS.items()
        if kind not in ("gpt3", "gpt1-exact-gelu", "odd-heads")
    ],
)
def test_transformers_reads_what_we_write(kind: str, changes: dict[str, Any], tmp_path: Path) -> None:
    transformers = pytest.importorskip("transformers")
    model = small_decoder(**changes)
    save_checkpoint(tmp_path, model)
    theirs, report = transformers.AutoModelForCausalLM.from_pretrained(tmp_path, output_loading_info=True)
    assert type(theirs).__name__ == ("GPT2LMHeadModel" if kind.startswith("gpt2") else "OpenAIGPTLMHeadModel")
    assert not report["missing_keys"] and not report["unexpected_keys"] and not report["mismatched_keys"]
    with torch.no_grad():
        torch.testing.assert_close(theirs.eval()(IDS).logits, model(IDS), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("family", ["gpt1", "gpt2"])
@pytest.mark.parametrize("part", ["with its head", "the base model"])
def test_we_read_what_transformers_writes(family: str, part: str, tmp_path: Path) -> None:
    transformers = pytest.importorskip("transformers")
    sizes = {"vocab_size": 61, "n_positions": 64, "n_embd": 32, "n_layer": 3, "n_head": 4}
    torch.manual_seed(0)
    if family == "gpt1":
        theirs = transformers.OpenAIGPTLMHeadModel(transformers.OpenAIGPTConfig(**sizes)).eval()
    else:
        theirs = transformers.GPT2LMHeadModel(transformers.GPT2Config(**sizes)).eval()
    randomise(theirs)
    (theirs if part == "with its head" else theirs.transformer).save_pretrained(tmp_path)
    ours = load_checkpoint(tmp_path)
    assert (ours.config.norm, ours.config.residual_init) == (
        ("post", "plain") if family == "gpt1" else ("pre", "scaled")
    )
    with torch.no_grad():
        torch.testing.assert_close(ours(IDS), theirs(IDS).logits, rtol=1e-5, atol=1e-5)


def test_shards_are_read_through_their_index(tmp_path: Path) -> None:
    transformers = pytest.importorskip("transformers")
    config = transformers.GPT2Config(vocab_size=61, n_positions=64, n_embd=32, n_layer=3, n_head=4)
    theirs = transformers.GPT2LMHeadModel(config).eval()
    theirs.save_pretrained(tmp_path, max_shard_size="60KB")
    assert len(list(tmp_path.glob("*.safetensors"))) > 1
    with torch.no_grad():
        torch.testing.assert_close(load_checkpoint(tmp_path)(IDS), theirs(IDS).logits, rtol=1e-5, atol=1e-5)
    next(tmp_path.glob("*.safetensors")).unlink()
    with pytest.raises(GptreproError, match="which its index lists"):
        load_checkpoint(tmp_path)


def test_released_folders_with_masks_and_a_stored_output_layer_are_read(tmp_path: Path) -> None:
    model = small_decoder(**GPT2)
    save_checkpoint(tmp_path, model)
    stored = load_file(tmp_path / "model.safetensors")
    old = {name.removeprefix("transformer."): tensor for name, tensor in stored.items()}
    old["h.0.attn.bias"] = torch.ones(1, 1, 64, 64).tril()
    old["h.0.attn.masked_bias"] = torch.tensor(-1e4)
    old["lm_head.weight"] = old["wte.weight"].clone()
    save_file(old, tmp_path / "model.safetensors")
    assert torch.equal(load_checkpoint(tmp_path)(IDS), model(IDS))
    old["lm_head.weight"][0, 0] += 1
    save_file(old, tmp_path / "model.safetensors")
    with pytest.raises(GptreproError, match=r"output layer .* is not its token embedding"):
        load_checkpoint(tmp_path)


def test_half_precision_weights_become_float32(tmp_path: Path) -> None:
    save_checkpoint(tmp_path, small_decoder(**GPT2).to(torch.bfloat16))
    assert load_checkpoint(tmp_path).wte.weight.dtype == torch.float32


class Tokenizer:
    """What saving asks of a tokenizer."""

    end_of_text = 60

    def save(self, folder: Path) -> None:
        (folder / "tokenizer.json").write_text("{}")


def test_the_tokenizer_is_saved_along_and_other_files_stay(tmp_path: Path) -> None:
    (tmp_path / "training").mkdir()
    for _ in range(2):
        save_checkpoint(tmp_path, small_decoder(**GPT2), Tokenizer())
    assert json.loads((tmp_path / "config.json").read_text())["eos_token_id"] == 60
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "config.json",
        "model.safetensors",
        "tokenizer.json",
        "training",
    ]


def test_a_full_disk_leaves_the_old_checkpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = small_decoder(**GPT2)
    save_checkpoint(tmp_path, model)

    def refuse(self: Path, data: bytes) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", refuse)
    with pytest.raises(GptreproError, match="disk is full"):
        save_checkpoint(tmp_path, small_decoder(seed=5, **GPT2))
    assert torch.equal(load_checkpoint(tmp_path).wte.weight, model.wte.weight)
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


def truncate(folder: Path) -> None:
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-100])


def garble(folder: Path) -> None:
    (folder / "model.safetensors").write_bytes(b"\xff" * 200)


def empty(folder: Path) -> None:
    (folder / "model.safetensors").write_bytes(b"")


def set_config(**fields: Any) -> Callable[[Path], None]:
    def damage(folder: Path) -> None:
        path = folder / "config.json"
        path.write_text(json.dumps({**json.loads(path.read_text()), **fields}))

    return damage


def change_weights(change: Callable[[dict[str, torch.Tensor]], object]) -> Callable[[Path], None]:
    def damage(folder: Path) -> None:
        tensors = load_file(folder / "model.safetensors")
        change(tensors)
        save_file(tensors, folder / "model.safetensors")

    return damage


BAD: dict[str, tuple[Callable[[Path], object], str]] = {
    "truncated weights": (truncate, "damaged or incomplete"),
    "garbled weights": (garble, "damaged or incomplete"),
    "empty weights": (empty, "damaged or incomplete"),
    "no weights": (lambda folder: (folder / "model.safetensors").unlink(), "holds no weights"),
    "no config": (lambda folder: (folder / "config.json").unlink(), r"no checkpoint file at .*config\.json"),
    "config is no JSON": (lambda folder: (folder / "config.json").write_text("{"), "not valid JSON"),
    "config is no text": (lambda folder: (folder / "config.json").write_bytes(b"\xff\xfe"), "not UTF-8 text"),
    "config is a list": (lambda folder: (folder / "config.json").write_text("[]"), "not a checkpoint file"),
    "another architecture": (set_config(model_type="llama"), "of type 'llama'"),
    "width as text": (set_config(n_embd="32"), "n_embd is '32', not a positive whole number"),
    "negative layers": (set_config(n_layer=-1), "n_layer is -1"),
    "too many layers": (set_config(n_layer=10**9), "have 4 layers, not 1000000000"),
    "impossible width": (set_config(n_embd=4 * 10**15), "do not fit its config.json"),
    "other vocabulary": (set_config(vocab_size=62), r"has the shape \[61, 32\], not \[62, 32\]"),
    "unscaled attention": (set_config(scale_attn_weights=False), "no GPT of the papers has"),
    "other activation": (set_config(activation_function="swiglu"), "activation_function is 'swiglu'"),
    "dropout as text": (set_config(resid_pdrop="much"), "resid_pdrop is 'much', not a number"),
    "no epsilon": (set_config(layer_norm_epsilon=0), "norm_eps must be above 0"),
    "negative epsilon": (set_config(layer_norm_epsilon=-1e-5), "layer_norm_epsilon is -1e-05"),
    "epsilon without end": (set_config(layer_norm_epsilon=float("inf")), "layer_norm_epsilon is inf"),
    "spread that is none": (set_config(initializer_range=float("nan")), "initializer_range is nan"),
    "huge dropout": (set_config(resid_pdrop=10**400), "resid_pdrop is 1000.*not a finite number"),
    "no heads": (set_config(n_head=0), "n_head is 0"),
    "heads that do not divide": (set_config(n_head=5), r"config\.json .* not a multiple of n_heads 5"),
    "missing parameter": (
        change_weights(lambda tensors: tensors.pop("transformer.h.2.mlp.c_fc.bias")),
        "h.2.mlp.c_fc.bias is missing",
    ),
    "surplus parameter": (
        change_weights(lambda tensors: tensors.update({"transformer.h.0.gate": torch.ones(1)})),
        "no place for transformer.h.0.gate",
    ),
    "transposed matrix": (
        change_weights(
            lambda tensors: tensors.update(
                {"transformer.h.0.mlp.c_fc.weight": tensors["transformer.h.0.mlp.c_fc.weight"].T.contiguous()}
            )
        ),
        r"has the shape \[128, 32\], not \[32, 128\]",
    ),
}


@pytest.mark.parametrize(("damage", "sentence"), BAD.values(), ids=BAD.keys())
def test_bad_files_get_one_sentence(damage: Callable[[Path], object], sentence: str, tmp_path: Path) -> None:
    save_checkpoint(tmp_path, small_decoder(**GPT2))
    damage(tmp_path)
    with pytest.raises(GptreproError, match=sentence) as caught:
        load_checkpoint(tmp_path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"attention": ["sparse"]}, "attention must be"),
        ({"attention": "dense"}, "attention must be"),
        ({"norm": "rms"}, "norm must be one of post, pre, not 'rms'"),
        ({"window": 0}, "window must be at least 1"),
        ({"rotary": True}, "rotary"),
        ({"n_heads": None}, "n_heads"),
    ],
)
def test_bad_configurations_of_our_own_get_one_sentence(
    fields: dict[str, Any], sentence: str, tmp_path: Path
) -> None:
    save_checkpoint(tmp_path, small_decoder(**KINDS["gpt3"]))
    set_config(**fields)(tmp_path)
    with pytest.raises(GptreproError, match=sentence):
        load_checkpoint(tmp_path)


@pytest.mark.parametrize(
    "change", [math.nan, math.inf, -math.inf, 1e300, torch.int64, torch.complex64, torch.bool]
)
def test_weights_that_are_no_finite_real_numbers_are_refused_by_name(change: Any, tmp_path: Path) -> None:
    save_checkpoint(tmp_path, small_decoder(**GPT2))
    names = list(load_file(tmp_path / "model.safetensors"))
    intact = (tmp_path / "model.safetensors").read_bytes()
    for name in names:

        def spoil(tensors: dict[str, torch.Tensor], name: str = name) -> None:
            if isinstance(change, torch.dtype):
                tensors[name] = tensors[name].to(change)
            else:
                tensors[name] = tensors[name].double()
                tensors[name].view(-1)[-1] = change

        change_weights(spoil)(tmp_path)
        with pytest.raises(GptreproError, match=f"^{re.escape(name)} in .* holds") as caught:
            load_checkpoint(tmp_path)
        assert "\n" not in str(caught.value)
        (tmp_path / "model.safetensors").write_bytes(intact)


def test_pickled_weights_are_refused_and_never_opened(tmp_path: Path) -> None:
    save_checkpoint(tmp_path, small_decoder(**GPT2))
    (tmp_path / "model.safetensors").unlink()
    trace = tmp_path / "trace"
    (tmp_path / "pytorch_model.bin").write_bytes(pickled := pickle.dumps(Tripwire(trace)))
    assert is_armed(pickled)
    with pytest.raises(GptreproError, match="pickled weights only"):
        load_checkpoint(tmp_path)
    assert not trace.exists()


def test_an_index_cannot_point_outside_its_folder(tmp_path: Path) -> None:
    folder = tmp_path / "inside"
    model: Decoder = small_decoder(**GPT2)
    save_checkpoint(folder, model)
    (folder / "model.safetensors").rename(tmp_path / "outside.safetensors")
    index = {"weight_map": {"transformer.wte.weight": "../outside.safetensors"}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    with pytest.raises(GptreproError, match=r"lacks outside\.safetensors"):
        load_checkpoint(folder)
