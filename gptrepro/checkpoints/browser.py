"""A decoder as a script that a page loads: weights in 8 bits and the tokenizer's merges.

A page that was opened from a folder may not fetch files, but it may load scripts. ``book/_static/gpt.js``
reads what is written here.
"""

from __future__ import annotations

import base64
import copy
import json
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from gptrepro.errors import GptreproError
from gptrepro.model import Decoder
from gptrepro.storage import write_text
from gptrepro.tokenizer.byte_level import END_OF_TEXT, N_BYTES, ByteLevelTokenizer

NAME = "gptreproModel"
"""The variable that the script sets."""

_LARGEST = 127
"""Of a signed byte, on either side of 0."""


def in_8_bits(matrix: Tensor) -> tuple[Tensor, Tensor]:
    """A matrix as whole numbers from -127 to 127, (rows, columns) int8, and each row's scale, (rows,)."""
    scales = matrix.abs().amax(dim=1).clamp(min=torch.finfo(torch.float32).tiny) / _LARGEST
    return (matrix / scales[:, None]).round().to(torch.int8), scales


def _rows(name: str, weight: Tensor) -> Tensor:
    """A matrix with a row for each output; projections are stored with a column for each."""
    return weight if name in ("wte.weight", "wpe.weight") else weight.t()


def as_in_page(model: Decoder) -> Decoder:
    """The model with the weights that a page computes with: each matrix was rounded to 8 bits."""
    rounded = copy.deepcopy(model)
    with torch.no_grad():
        for name, weight in rounded.named_parameters():
            if weight.ndim == 2:
                whole, scales = in_8_bits(_rows(name, weight))
                weight.copy_(_rows(name, whole * scales[:, None]))
    return rounded


def write_for_page(place: Path, model: Decoder, tokenizer: ByteLevelTokenizer) -> None:
    """Write the script that sets `NAME` to a model.

    Raises:
        GptreproError: the model is not in GPT-2's arrangement, or the vocabulary is not the model's.
    """
    config = model.config
    if config.norm != "pre" or set(config.attention) != {"dense"} or config.activation != "gelu_tanh":
        raise GptreproError("A page computes GPT-2's arrangement alone: give it a model with norm='pre'.")
    if tokenizer.n_vocab != config.n_vocab:
        raise GptreproError(
            f"The tokenizer has {tokenizer.n_vocab} tokens and the model {config.n_vocab}: give both of one "
            "training."
        )
    weights, tensors = bytearray(), {}

    def add(numbers: Tensor) -> int:
        at = len(weights)
        weights.extend(numbers.contiguous().numpy().tobytes())
        weights.extend(bytes(-len(weights) % 4))  # where an array of float32 may begin
        return at

    for name, parameter in model.state_dict().items():
        weight = parameter.detach().cpu().float()
        if weight.ndim == 1:
            tensors[name] = {"rows": 1, "columns": len(weight), "scales": None, "at": add(weight)}
            continue
        whole, scales = in_8_bits(_rows(name, weight))
        rows, columns = whole.shape
        tensors[name] = {"rows": rows, "columns": columns, "scales": add(scales), "at": add(whole)}
    content = {
        "config": {
            "layers": config.n_layers,
            "width": config.d_model,
            "heads": config.n_heads,
            "context": config.n_ctx,
            "eps": config.norm_eps,
        },
        "tokenizer": _vocabulary(tokenizer),
        "tensors": tensors,
        "weights": base64.b64encode(weights).decode(),
    }
    write_text(place, f"globalThis.{NAME} = {json.dumps(content, separators=(',', ':'))};\n")


_PRINTED = {*range(33, 127), *range(161, 173), *range(174, 256)}
"""The bytes that GPT-2's vocabulary writes as the character of that number; the others follow from 256 on."""


def _vocabulary(tokenizer: ByteLevelTokenizer) -> dict[str, Any]:
    """The byte of each of the first ids, the ids that each merge joins and gives, and the end of a text."""
    vocab = tokenizer.vocab
    others = [byte for byte in range(N_BYTES) if byte not in _PRINTED]
    letters = {byte: chr(byte) for byte in _PRINTED} | {byte: chr(256 + i) for i, byte in enumerate(others)}
    return {
        "bytes": sorted(letters, key=lambda byte: vocab[letters[byte]]),
        "merges": [[vocab[left], vocab[right], vocab[left + right]] for left, right in tokenizer.merges],
        "endOfText": vocab[END_OF_TEXT],
    }
