"""What attention and its positions do, whatever the model: the Background chapter's probes."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from gptrepro.earlier.seq2seq import TransformerConfig, TransformerSeq2Seq
from gptrepro.model import Decoder, DecoderConfig
from gptrepro.model.attention import dense_attention
from gptrepro.model.config import Positions
from gptrepro.model.positions import shift
from gptrepro.probes.decoder import attention_sources
from gptrepro.probes.registry import register

WIDTHS = (16, 64, 256)
_ROLES = ("query", "key", "value")
_PAIRS = 20_000


def _components(*shape: int) -> Tensor:
    """Independent components of mean 0 and variance 1, the same at every call."""
    return torch.randn(*shape, generator=torch.Generator().manual_seed(0))


@register
def dot_products() -> dict[str, float]:
    """Mean and variance of q . k for random q and k, over the square root of the width and the width."""
    drawn = [_components(2, _PAIRS, width) for width in WIDTHS]
    products = [(q * k).sum(-1) for q, k in drawn]
    variances = [float(p.var()) / width for p, width in zip(products, WIDTHS, strict=True)]
    means = [float(p.mean()) / math.sqrt(width) for p, width in zip(products, WIDTHS, strict=True)]
    return {
        "mean": abs(round(sum(means) / len(means), 2)),
        "variance_over_width": round(sum(variances) / len(variances), 2),
    }


@register
def score_variance() -> dict[str, float]:
    """Variance of the scores that the library's attention puts into its softmax, at heads of several widths.

    With one-hot values attention returns its weights, and the logarithm of a weight is the score less a
    constant of its row. The difference of two scores in a row has twice the variance of one.
    """
    found = {}
    for width in WIDTHS:
        q, k = _components(2, 1, _PAIRS // 2, 2, width)  # two positions: the second sees both
        weights = dense_attention(
            q.double(), k.double(), torch.eye(2, dtype=torch.float64).expand_as(q[..., :2])
        )
        difference = weights[0, :, 1, 0].log() - weights[0, :, 1, 1].log()
        found[f"width_{width}"] = round(float(difference.var()) / 2, 2)
    return found


def _small(positions: Positions, n_layers: int = 1) -> Decoder:
    with torch.random.fork_rng([]):
        torch.manual_seed(0)
        config = DecoderConfig(
            n_vocab=64, n_ctx=64, n_layers=n_layers, d_model=32, n_heads=4, init_std=0.2, positions=positions
        )
        return Decoder(config).double().eval()


@register
def cross_attention() -> dict[str, str]:
    """Where query, key and value come from between an encoder and a decoder: what moves with which sequence.

    Measured on the first decoder layer of the Transformer of the seq2seq chapter, whose source and target are
    changed in turn.
    """
    config = TransformerConfig(n_source=16, n_target=16, d_model=16, n_heads=2, n_layers=1, d_ff=32)
    with torch.random.fork_rng([]):
        torch.manual_seed(0)
        model = TransformerSeq2Seq(config)
    source, target = torch.arange(3, 9)[None], torch.arange(3, 7)[None]
    before = _read_across(model, source, target)
    moved = {
        name: [bool((a - b).abs().max() > 0) for a, b in zip(before, changed, strict=True)]
        for name, changed in (
            ("source", _read_across(model, source + 5, target)),
            ("target", _read_across(model, source, target + 5)),
        )
    }
    origin = {
        (True, False): "source",
        (False, True): "target",
        (True, True): "both",
        (False, False): "neither",
    }
    pairs = zip(moved["source"], moved["target"], strict=True)
    return dict(zip(_ROLES, (origin[pair] for pair in pairs), strict=True))


def _read_across(model: TransformerSeq2Seq, source: Tensor, target: Tensor) -> list[Tensor]:
    """The inputs of the attention between encoder and decoder that become query, key and value."""
    seen: list[Tensor] = []
    attention = model.transformer.decoder.layers[0].multihead_attn
    handle = attention.register_forward_hook(lambda _, inputs, __: seen.extend(inputs[:3]))
    try:
        with torch.no_grad():
            model(source, target)
    finally:
        handle.remove()
    return seen


@register
def attention_of_both_kinds() -> dict[str, dict[str, str]]:
    """Where query, key and value come from, between an encoder and a decoder and in a GPT."""
    return {"between encoder and decoder": cross_attention(), "in a GPT": attention_sources("gpt1")}


@register
def shift_is_linear() -> bool:
    """Whether one linear map takes every sinusoidal row to the row k further on, for several k."""
    table = _small("sinusoidal").wpe.weight
    width = table.shape[1]
    return all(
        torch.allclose(table[:-k] @ shift(k, width).to(table).T, table[k:], atol=1e-6) for k in (1, 7, 31)
    )


@register
def order_of_the_past() -> dict[str, bool]:
    """Whether the last state of a decoder moves when the tokens before it change places."""
    ids = torch.arange(1, 17)[None]
    reordered = torch.cat([ids[:, :-1].flip(1), ids[:, -1:]], dim=1)

    def moves(model: Decoder) -> bool:
        with torch.no_grad():
            return float((model.hidden(ids) - model.hidden(reordered))[0, -1].abs().max()) > 1e-9

    return {
        "learned, one layer": moves(_small("learned")),
        "sinusoidal, one layer": moves(_small("sinusoidal")),
        "none, one layer": moves(_small("none")),
        "none, two layers": moves(_small("none", n_layers=2)),
    }
