"""Parameter groups, and the update that AdamW makes of them."""

import torch

from gptrepro.train.optimizer import build_optimizer, parameter_groups
from tests.train.tiny import tiny_model, tiny_settings


def test_every_matrix_decays_and_no_bias_or_gain_does() -> None:
    decayed, exempt = parameter_groups(tiny_model())
    assert {"wte.weight", "wpe.weight", "h.0.attn.c_attn.weight", "h.1.mlp.c_proj.weight"} <= set(decayed)
    assert {"h.0.attn.c_attn.bias", "h.0.ln_1.weight", "h.1.ln_2.bias", "h.1.mlp.c_proj.bias"} <= set(exempt)
    assert all(name.endswith("bias") or ".ln_" in name for name in exempt)
    assert len(decayed) + len(exempt) == len(list(tiny_model().parameters()))


def test_frozen_parameters_are_left_out() -> None:
    model = tiny_model()
    model.wpe.weight.requires_grad_(False)
    decayed, _ = parameter_groups(model)
    assert "wpe.weight" not in decayed


def test_without_gradient_a_matrix_shrinks_by_rate_times_decay_and_a_gain_stays() -> None:
    model = tiny_model()
    settings = tiny_settings(peak_lr=0.5, weight_decay=0.01)
    optimizer = build_optimizer(model, settings)
    for parameter in model.parameters():
        parameter.grad = torch.zeros_like(parameter)
    matrix, gain = model.wte.weight.detach().clone(), model.h[0].ln_1.weight.detach().clone()
    optimizer.step()
    torch.testing.assert_close(model.wte.weight.detach(), matrix * (1 - 0.5 * 0.01))
    torch.testing.assert_close(model.h[0].ln_1.weight.detach(), gain)


def test_the_update_is_adam_by_its_definition() -> None:
    model = torch.nn.Linear(3, 2, bias=False)
    settings = tiny_settings(peak_lr=0.1, weight_decay=0.0, beta1=0.9, beta2=0.95, eps=1e-8)
    optimizer = build_optimizer(model, settings)
    weight, m, v = model.weight.detach().clone().double(), 0.0, 0.0
    for t in range(1, 4):
        gradient = torch.full((2, 3), float(t))
        model.weight.grad = gradient.clone()
        optimizer.step()
        m = 0.9 * m + 0.1 * gradient
        v = 0.95 * v + 0.05 * gradient**2
        weight -= 0.1 * (m / (1 - 0.9**t)) / ((v / (1 - 0.95**t)) ** 0.5 + 1e-8)
    torch.testing.assert_close(model.weight.detach().double(), weight, rtol=1e-5, atol=1e-7)
