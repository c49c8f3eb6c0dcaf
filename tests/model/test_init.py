import pytest
import torch

from gptrepro.model import Decoder, DecoderConfig

SIZES = {"n_vocab": 2000, "n_ctx": 256, "n_layers": 8, "d_model": 128, "n_heads": 4}


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


def test_positions_may_start_at_a_spread_of_their_own() -> None:
    for stated, spread in ((None, 0.02), (0.01, 0.01)):
        decoder = Decoder(DecoderConfig(**SIZES, position_std=stated))
        assert float(decoder.wpe.weight.detach().std()) == pytest.approx(spread, rel=0.03)
        assert float(decoder.wte.weight.detach().std()) == pytest.approx(0.02, rel=0.03)


def test_the_seed_decides_the_weights() -> None:
    weights = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        weights.append(Decoder(DecoderConfig(**SIZES)).h[3].mlp.c_fc.weight)
    assert torch.equal(weights[0], weights[1])
    assert not torch.equal(weights[0], weights[2])
