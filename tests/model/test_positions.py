"""Positions: the sinusoids are the paper's, a shift rotates them, each kind sees the order that it should."""

from __future__ import annotations

import math

import pytest
import torch

from gptrepro.checkpoints import load_checkpoint, save_checkpoint
from gptrepro.errors import GptreproError
from gptrepro.generation.sampling import generate
from gptrepro.model import Decoder, DecoderConfig
from gptrepro.model.counting import count_parameters
from gptrepro.model.positions import shift, sinusoids
from gptrepro.sources.corpora import load_corpus
from gptrepro.tokenizer import train_byte_level_bpe
from tests.model.small import small_decoder

SIZES = {"n_vocab": 61, "n_ctx": 64, "n_layers": 2, "d_model": 32, "n_heads": 4}
KINDS = ("learned", "sinusoidal", "none")


def test_sinusoids_are_those_of_the_paper():
    table = sinusoids(50, 8)
    for position in (0, 1, 49):
        for i in range(4):
            angle = position / 10_000 ** (2 * i / 8)
            assert table[position, 2 * i].item() == pytest.approx(math.sin(angle), abs=1e-6)
            assert table[position, 2 * i + 1].item() == pytest.approx(math.cos(angle), abs=1e-6)


@pytest.mark.parametrize("steps", [1, 7, 40])
def test_a_shift_is_one_rotation_for_all_positions(steps):
    table, turn = sinusoids(200, 16), shift(steps, 16)
    torch.testing.assert_close(table[:-steps] @ turn.T, table[steps:], atol=1e-5, rtol=0)
    torch.testing.assert_close(turn @ turn.T, torch.eye(16), atol=1e-6, rtol=0)


def test_only_a_learned_table_counts_as_parameters_and_is_in_the_checkpoint():
    counts = {kind: count_parameters(DecoderConfig(**SIZES, positions=kind)) for kind in KINDS}
    assert counts["learned"].total - counts["none"].total == counts["learned"].position_embedding == 64 * 32
    assert counts["sinusoidal"] == counts["none"]
    assert "wpe.weight" in Decoder(DecoderConfig(**SIZES)).state_dict()
    assert "wpe.weight" not in Decoder(DecoderConfig(**SIZES, positions="sinusoidal")).state_dict()


def test_sinusoids_start_with_the_spread_of_the_embeddings():
    model = Decoder(DecoderConfig(n_vocab=61, n_ctx=512, n_layers=1, d_model=64, n_heads=1, init_std=0.05,
                                  positions="sinusoidal"))  # fmt: skip
    assert model.wpe.weight.square().mean().sqrt().item() == pytest.approx(0.05, rel=1e-3)


def test_without_positions_the_first_layer_ignores_the_order_of_the_past():
    ids = torch.tensor([[5, 9, 2, 7, 1]])
    reordered = torch.tensor([[2, 7, 9, 5, 1]])
    for kind in KINDS:
        model = small_decoder(n_layers=1, positions=kind)
        moved = (model.hidden(ids) - model.hidden(reordered))[0, -1].abs().max().item()
        assert (moved < 1e-5) is (kind == "none"), kind


def test_with_two_layers_the_mask_alone_tells_the_order():
    model = small_decoder(n_layers=2, positions="none")
    there, back = torch.tensor([[5, 9, 2, 7, 1]]), torch.tensor([[2, 7, 9, 5, 1]])
    assert (model.hidden(there) - model.hidden(back))[0, -1].abs().max() > 1e-3


@pytest.mark.parametrize("kind", KINDS)
def test_a_checkpoint_brings_back_the_same_model_and_the_cache_agrees(kind, tmp_path):
    model = small_decoder(norm="pre", n_vocab=300, positions=kind)
    tokenizer = train_byte_level_bpe([next(load_corpus("plays", split="heldout").documents())[:5000]], 300)
    save_checkpoint(tmp_path / "saved", model, tokenizer)
    again = load_checkpoint(tmp_path / "saved")
    ids = torch.randint(300, (1, 12))
    assert again.config == model.config
    torch.testing.assert_close(again(ids), model(ids))
    written = generate(model, ids.tolist(), 8)[0][-8:]
    for place in range(8):
        so_far = torch.cat([ids, torch.tensor([written[:place]], dtype=torch.long)], dim=1)
        assert written[place] == int(model(so_far)[0, -1].argmax())


def test_other_kinds_and_odd_widths_are_refused():
    with pytest.raises(GptreproError, match="positions must be"):
        DecoderConfig(**SIZES, positions="rotary")
    with pytest.raises(GptreproError, match="must be even"):
        DecoderConfig(**{**SIZES, "d_model": 31, "n_heads": 1}, positions="sinusoidal")
