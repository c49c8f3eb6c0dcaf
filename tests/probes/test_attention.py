"""Attention and positions: other mathematics, or another attention, measures otherwise."""

from __future__ import annotations

import torch
import torch.nn.functional as F

from gptrepro.model import positions as module
from gptrepro.probes import attention

from .mutations import measured

scaled_dot_product_attention = F.scaled_dot_product_attention


def test_attention_without_the_scale_is_noticed(monkeypatch):
    assert set(measured("score_variance").values()) <= {0.99, 1.0, 1.01, 1.02, 0.98}

    def unscaled(*arguments, **options):
        return scaled_dot_product_attention(*arguments, **options, scale=1.0)

    monkeypatch.setattr(F, "scaled_dot_product_attention", unscaled)
    found = measured("score_variance")
    assert [round(found[f"width_{width}"] / width, 1) for width in attention.WIDTHS] == [1.0, 1.0, 1.0]


def test_keys_of_the_target_are_noticed(monkeypatch):
    assert measured("cross_attention") == {"query": "target", "key": "source", "value": "source"}
    block = torch.nn.TransformerDecoderLayer._mha_block

    def turned(layer, states, memory, *others):
        return block(layer, memory[:, : states.shape[1]], states, None, None)

    monkeypatch.setattr(torch.nn.TransformerDecoderLayer, "_mha_block", turned)
    assert measured("cross_attention") == {"query": "source", "key": "target", "value": "target"}


def test_rows_that_no_shift_explains_are_noticed(monkeypatch):
    assert measured("shift_is_linear") is True
    monkeypatch.setattr(module, "sinusoids", lambda length, width: torch.randn(length, width))
    assert measured("shift_is_linear") is False


def test_a_mask_that_shows_everything_hides_the_order_from_two_layers(monkeypatch):
    before = measured("order_of_the_past")
    assert [name for name, moves in before.items() if not moves] == ["none, one layer"]

    def unmasked(*arguments, **options):
        return scaled_dot_product_attention(*arguments, **options | {"is_causal": False})

    monkeypatch.setattr(F, "scaled_dot_product_attention", unmasked)
    assert measured("order_of_the_past") == before | {"none, two layers": False}
