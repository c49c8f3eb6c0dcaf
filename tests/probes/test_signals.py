"""Signals are measured where they are said to be, and measuring leaves the model as it was."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from gptrepro.model.attention import banded_attention, dense_attention
from gptrepro.probes.signals import attention_reach, gradient_sizes, state_sizes
from tests.model.small import small_decoder

IDS = torch.randint(61, (2, 17), generator=torch.Generator().manual_seed(3))


def test_sizes_are_those_of_the_states_between_the_blocks():
    decoder = small_decoder(norm="pre")
    decoder.ln_f = torch.nn.Identity()  # what comes out is then what the last block returned
    sizes = state_sizes(decoder, IDS)
    assert len(sizes) == len(decoder.h) + 1
    embedded = (decoder.wte.weight[IDS] + decoder.wpe.weight[: IDS.shape[1]]).detach()
    assert sizes[0] == pytest.approx(float(embedded.pow(2).mean().sqrt()), rel=1e-5)
    assert sizes[-1] == pytest.approx(float(decoder.hidden(IDS).detach().pow(2).mean().sqrt()), rel=1e-5)
    assert not any(block._forward_hooks or block._forward_pre_hooks for block in decoder.h)


def test_gradients_are_those_of_the_loss_and_leave_none_behind():
    decoder = small_decoder(norm="pre")
    sizes = gradient_sizes(decoder, IDS)
    assert all(p.grad is None for p in decoder.parameters())
    decoder.loss(IDS[:, :-1], IDS[:, 1:]).backward()
    expected = [float(block.mlp.c_fc.weight.grad.norm()) for block in decoder.h]
    assert sizes == pytest.approx(expected, rel=1e-5)


def test_reach_is_the_triangle_or_the_band():
    triangle = np.tri(20, dtype=bool)
    assert np.array_equal(attention_reach(dense_attention, 20), triangle)
    banded = attention_reach(lambda q, k, v: banded_attention(q, k, v, window=5), 20)
    assert np.array_equal(banded, triangle & ~np.tri(20, k=-5, dtype=bool))
    assert attention_reach(lambda q, k, v: v.mean(-2, keepdim=True).expand_as(v), 20).all()
