"""The LSTM baseline: the decoder's interface, causal, written-out recurrence, and able to learn."""

from __future__ import annotations

from typing import Any

import pytest
import torch
import torch.nn.functional as F

from gptrepro.errors import GptreproError
from gptrepro.model.config import LSTMConfig
from gptrepro.model.lstm import LSTMLanguageModel


def small(**changes: Any) -> LSTMLanguageModel:
    torch.manual_seed(0)
    sizes = {"n_vocab": 61, "n_ctx": 64, "d_model": 16, "d_hidden": 24}
    return LSTMLanguageModel(LSTMConfig(**{**sizes, **changes})).eval()


@pytest.mark.parametrize("changes", [{}, {"d_hidden": 16}, {"n_layers": 2}])
def test_a_position_sees_only_what_precedes_it(changes: dict[str, Any]) -> None:
    model = small(**changes)
    ids = torch.randint(61, (2, 30))
    changed = ids.clone()
    changed[:, 20] = (changed[:, 20] + 1) % 61
    before, after = model(ids), model(changed)
    assert before.shape == (2, 30, 61)
    assert model.hidden(ids).shape == (2, 30, 16)
    torch.testing.assert_close(before[:, :20], after[:, :20])
    assert (before[:, 20:] - after[:, 20:]).abs().amax(-1).min() > 0


def test_it_computes_the_lstm_of_the_textbook() -> None:
    model = small(d_hidden=16)
    ids = torch.randint(61, (1, 12))
    w, cell = dict(model.lstm.named_parameters()), torch.zeros(16)
    state = torch.zeros(16)
    for position, token in enumerate(ids[0]):
        gates = w["weight_ih_l0"] @ model.wte.weight[token] + w["bias_ih_l0"]
        gates = gates + w["weight_hh_l0"] @ state + w["bias_hh_l0"]
        i, f, g, o = gates.chunk(4)
        cell = f.sigmoid() * cell + i.sigmoid() * g.tanh()
        state = o.sigmoid() * cell.tanh()
        torch.testing.assert_close(model.hidden(ids)[0, position], state)


def test_the_loss_is_the_cross_entropy_of_the_targets_that_count() -> None:
    model = small()
    ids, targets = torch.randint(61, (2, 3, 20))
    targets[0, 5:] = -100
    expected = F.cross_entropy(model(ids).flatten(0, 1), targets.flatten())
    torch.testing.assert_close(model.loss(ids, targets), expected)


def test_forget_gates_start_open() -> None:
    biases = {name: p for name, p in small().lstm.state_dict().items() if "bias" in name}
    total = biases["bias_ih_l0"] + biases["bias_hh_l0"]
    assert torch.equal(total, torch.cat([torch.zeros(24), torch.ones(24), torch.zeros(48)]))


def test_it_learns_to_repeat_what_it_saw() -> None:
    model = small().train()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    pattern = torch.arange(8).repeat(4)[None]  # 0..7, four times
    first = None
    for _ in range(60):
        loss = model.loss(pattern[:, :-1], pattern[:, 1:])
        first = first or float(loss.detach())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert float(loss.detach()) < 0.2 * first


def test_dropout_acts_in_training_only() -> None:
    model = small(dropout=0.3)
    ids = torch.randint(61, (1, 9))
    assert torch.equal(model(ids), model(ids))
    model.train()
    assert not torch.equal(model(ids), model(ids))


def test_impossible_configurations_are_refused() -> None:
    with pytest.raises(GptreproError, match="d_hidden must be at least 1"):
        LSTMConfig(n_vocab=9, n_ctx=9, d_model=9, d_hidden=0)
    with pytest.raises(GptreproError, match="dropout must lie in"):
        LSTMConfig(n_vocab=9, n_ctx=9, d_model=9, d_hidden=9, dropout=1.0)
