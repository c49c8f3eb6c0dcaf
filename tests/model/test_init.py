import math

import pytest
import torch

from gptrepro.model import Decoder, DecoderConfig

SIZES = {"n_vocab": 2000, "n_ctx": 256, "n_layers": 8, "d_model": 128, "n_heads": 4}


def test_gpt1_starts_from_one_gaussian() -> None:
    torch.manual_seed(0)
    for name, parameter in Decoder(DecoderConfig(**SIZES)).state_dict().items():
        if parameter.dim() == 2:
            assert float(parameter.std()) == pytest.approx(0.02, rel=0.03), name
            assert abs(float(parameter.mean())) < 0.001, name
        else:
            assert torch.equal(parameter, torch.full_like(parameter, name.endswith("weight"))), name


def test_gpt2_scales_only_the_projections_into_the_residual_stream() -> None:
    torch.manual_seed(0)
    decoder = Decoder(DecoderConfig(**SIZES, norm="pre", residual_init="scaled"))
    for name, parameter in decoder.state_dict().items():
        if parameter.dim() == 2:
            expected = 0.02 / math.sqrt(2 * 8) if "c_proj" in name else 0.02
            assert float(parameter.std()) == pytest.approx(expected, rel=0.03), name


def test_residual_scaling_keeps_the_stream_from_growing_with_depth() -> None:
    growth = {}
    for kind in ("plain", "scaled"):
        for layers in (4, 24):
            torch.manual_seed(0)
            config = DecoderConfig(
                **{**SIZES, "n_layers": layers}, norm="pre", residual_init=kind, dropout=0.0, init_std=0.1
            )
            decoder = Decoder(config)
            stream: list[float] = []
            decoder.ln_f.register_forward_pre_hook(lambda _, x, to=stream: to.append(float(x[0].std())))
            with torch.no_grad():
                decoder.hidden(torch.randint(2000, (1, 32)))
            growth[kind, layers] = stream[0]
    assert growth["plain", 24] > 2 * growth["plain", 4]
    assert growth["scaled", 24] < 1.2 * growth["scaled", 4]


def test_the_seed_decides_the_weights() -> None:
    weights = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        weights.append(Decoder(DecoderConfig(**SIZES)).h[3].mlp.c_fc.weight)
    assert torch.equal(weights[0], weights[1])
    assert not torch.equal(weights[0], weights[2])
