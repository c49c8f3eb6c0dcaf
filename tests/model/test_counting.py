"""Counts against the released checkpoints' own, and FLOPs against what a forward pass is counted to do."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from gptrepro.model import DecoderConfig
from gptrepro.model.config import LSTMConfig
from gptrepro.model.counting import (
    count_parameters,
    forward_flops_per_token,
    lstm_flops_per_token,
    lstm_parameters,
    training_flops_per_token,
)
from gptrepro.model.lstm import LSTMLanguageModel
from tests.model.small import small_decoder


def gpt2(layers: int, width: int, heads: int) -> DecoderConfig:
    return DecoderConfig(50257, 1024, layers, width, heads, norm="pre", residual_init="scaled")


@pytest.mark.parametrize(
    ("config", "total"),
    [
        (DecoderConfig(40478, 512, 12, 768, 12), 116_534_784),
        (gpt2(12, 768, 12), 124_439_808),
        (gpt2(24, 1024, 16), 354_823_168),
        (gpt2(36, 1280, 20), 774_030_080),
        (gpt2(48, 1600, 25), 1_557_611_200),
    ],
    ids=["gpt1", "gpt2-124m", "gpt2-355m", "gpt2-774m", "gpt2-1558m"],
)
def test_parameters_of_the_released_checkpoints(config: DecoderConfig, total: int) -> None:
    assert count_parameters(config).total == total


@pytest.mark.parametrize(
    "changes",
    [
        {"d_head": 5, "d_ff": 17},
        {"norm": "pre"},
        {"positions": "sinusoidal"},
        {"positions": "none"},
        {"attention": ("dense", "banded"), "window": 4},
    ],
)
def test_as_many_parameters_as_a_built_model_has(changes: dict[str, Any]) -> None:
    model = small_decoder(**changes)
    count = count_parameters(model.config)
    assert count.total == sum(p.numel() for p in model.parameters())
    assert count.blocks == sum(p.numel() for p in model.h.parameters())


@pytest.mark.parametrize(("hidden", "layers"), [(12, 1), (12, 3), (20, 1), (20, 2)])
def test_an_lstm_is_counted_as_it_is_built(hidden: int, layers: int) -> None:
    config = LSTMConfig(50, 16, d_model=12, d_hidden=hidden, n_layers=layers)
    parameters = list(LSTMLanguageModel(config).parameters())
    assert lstm_parameters(config) == sum(p.numel() for p in parameters)
    assert lstm_flops_per_token(config) == 6 * sum(p.numel() for p in parameters if p.ndim == 2)


def test_the_parts_add_up_to_the_whole() -> None:
    count = count_parameters(gpt2(12, 768, 12))
    final_norm = 2 * 768
    assert count.blocks + count.token_embedding + count.position_embedding + final_norm == count.total
    assert (count.token_embedding, count.position_embedding) == (50257 * 768, 1024 * 768)


@pytest.mark.parametrize("changes", [{}, {"d_head": 5, "d_ff": 17}, {"n_ctx": 512}])
def test_dense_flops_are_those_of_the_matrix_products(changes: dict[str, int]) -> None:
    """The counter counts all T x T scores; we count the causal half that a position needs."""
    model = small_decoder(**changes)
    length = model.config.n_ctx
    with sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter, torch.no_grad():
        model(torch.zeros(1, length, dtype=torch.long))
    inner = model.config.n_heads * model.config.head_width
    counted = counter.get_total_flops() / length
    unseen = model.config.n_layers * 4 * inner * (length - (length + 1) / 2)
    assert forward_flops_per_token(model.config, length) == pytest.approx(counted - unseen)


def test_banded_flops_count_the_keys_that_are_seen() -> None:
    model = small_decoder(attention=("banded",), window=5)
    dense = small_decoder()
    seen = [min(position + 1, 5) for position in range(64)]
    saved = sum(range(1, 65)) - sum(seen)
    per_key = 4 * 4 * 8 * 4  # scores and mixture, heads, width, layers
    difference = forward_flops_per_token(dense.config, 64) - forward_flops_per_token(model.config, 64)
    assert difference == pytest.approx(saved * per_key / 64)


def test_training_costs_three_forward_passes_and_agrees_with_kaplan() -> None:
    config = gpt2(12, 768, 12)
    assert training_flops_per_token(config, 1024) == 3 * forward_flops_per_token(config, 1024)
    matrices = 12 * 12 * 768**2
    kaplan = 2 * matrices + 2 * 12 * 1024 * 768
    head = 2 * 50257 * 768
    assert forward_flops_per_token(config, 1024) - head == pytest.approx(kaplan, rel=1e-3)
