"""A model as a script that a page loads: what it holds, and what is refused."""

from __future__ import annotations

import pytest
import torch

from gptrepro.checkpoints.browser import as_in_page, in_8_bits, write_for_page
from gptrepro.errors import GptreproError
from gptrepro.model import Decoder, DecoderConfig
from gptrepro.tokenizer import train_byte_level_bpe

SMALL = {"n_vocab": 270, "n_ctx": 8, "n_layers": 1, "d_model": 8, "n_heads": 2}


def test_a_row_is_rounded_by_half_a_step_at_most():
    matrix = torch.tensor([[1.0, -0.3, 0.004], [0.0, 0.0, 0.0]])
    whole, scales = in_8_bits(matrix)
    assert whole.dtype == torch.int8 and whole[0].tolist() == [127, -38, 1]
    assert ((whole * scales[:, None] - matrix).abs() <= scales[:, None] / 2).all()


def test_a_page_computes_with_matrices_rounded_by_output_and_all_else_as_it_is():
    model = Decoder(DecoderConfig(**SMALL, norm="pre"))
    rounded = as_in_page(model)
    weight, small = model.h[0].mlp.c_fc.weight, rounded.h[0].mlp.c_fc.weight  # (in, out)
    steps = small / (weight.abs().amax(dim=0) / 127)
    assert torch.allclose(steps, steps.round(), atol=1e-3)
    assert not torch.equal(weight, small)
    assert torch.equal(model.ln_f.weight, rounded.ln_f.weight)


def test_another_arrangement_or_vocabulary_is_refused(tmp_path):
    tokenizer = train_byte_level_bpe(["a word and a word and a word"], 270)
    with pytest.raises(GptreproError, match="norm='pre'"):
        write_for_page(tmp_path / "model.js", Decoder(DecoderConfig(**SMALL)), tokenizer)
    with pytest.raises(GptreproError, match="of one training"):
        write_for_page(tmp_path / "model.js", Decoder(DecoderConfig(**SMALL, norm="pre")), tokenizer)
