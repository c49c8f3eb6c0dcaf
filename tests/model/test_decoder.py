"""What every decoder must do, whatever its configuration."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from gptrepro.errors import GptreproError
from tests.model.small import small_decoder

PAPERS: list[dict[str, Any]] = [
    {"norm": "post"},
    {"norm": "pre", "residual_init": "scaled"},
    {"norm": "pre", "attention": ("dense", "banded"), "window": 7},
    {"norm": "post", "activation": "relu", "d_head": 5, "d_ff": 17},
]
papers = pytest.mark.parametrize("changes", PAPERS, ids=["gpt1", "gpt2", "gpt3", "odd widths"])


@papers
def test_a_position_sees_only_what_precedes_it(changes: dict[str, Any]) -> None:
    model = small_decoder(**changes)
    ids = torch.randint(61, (2, 40))
    changed = ids.clone()
    changed[:, 25:] = (changed[:, 25:] + 1) % 61
    before, after = model(ids), model(changed)
    torch.testing.assert_close(before[:, :25], after[:, :25])
    assert (before[:, 25:] - after[:, 25:]).abs().amax(-1).min() > 1e-3


def test_stacked_bands_reach_further_than_one_window() -> None:
    model = small_decoder(norm="pre", attention=("banded",), window=5)  # 4 layers: 4 * (5 - 1) tokens back
    ids = torch.randint(61, (1, 40))
    changed = ids.clone()
    changed[0, 10] = (changed[0, 10] + 1) % 61
    moved = (model(ids) - model(changed)).abs().amax(-1)[0] > 1e-9
    assert moved.nonzero()[:, 0].tolist() == list(range(10, 10 + 4 * 4 + 1))


@papers
def test_the_loss_is_the_cross_entropy_of_the_targets_that_count(changes: dict[str, Any]) -> None:
    model = small_decoder(**changes)
    ids, targets = torch.randint(61, (2, 3, 20))
    targets[0, 5:] = -100
    log_p = model(ids).log_softmax(-1)
    counted = [-log_p[b, t, targets[b, t]] for b in range(3) for t in range(20) if targets[b, t] != -100]
    torch.testing.assert_close(model.loss(ids, targets), torch.stack(counted).mean())


def test_dropout_acts_in_training_only() -> None:
    model = small_decoder(norm="pre", dropout=0.2)
    ids = torch.randint(61, (2, 30))
    assert torch.equal(model(ids), model(ids))
    model.train()
    assert not torch.equal(model(ids), model(ids))


@pytest.mark.parametrize("place", ["drop", "attn.dropout", "attn.resid_dropout", "mlp.dropout"])
def test_each_dropout_is_applied(place: str) -> None:
    """Embeddings, attention weights and both residual branches (GPT-1, section 4.1)."""
    model = small_decoder(norm="pre", dropout=0.0, n_layers=1).train()
    ids = torch.randint(61, (2, 30))
    before = model(ids)
    if place == "drop":
        model.drop.p = 0.5
    elif place == "attn.dropout":
        model.h[0].attn.dropout = 0.5
    else:
        model.h[0].get_submodule(place).p = 0.5
    assert not torch.equal(before, model(ids))


def test_a_sequence_longer_than_the_context_is_refused() -> None:
    with pytest.raises(GptreproError, match="65 tokens does not fit this model's context of 64"):
        small_decoder()(torch.zeros(1, 65, dtype=torch.long))
