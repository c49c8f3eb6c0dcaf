"""AdamW in the papers' parameter groups."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from gptrepro.train.settings import TrainSettings


def parameter_groups(model: nn.Module) -> tuple[dict[str, nn.Parameter], dict[str, nn.Parameter]]:
    """Split the trainable parameters into those that decay and those that do not.

    GPT-1 applies its L2 term to "all non bias or gain weights" (section 4.1), which leaves every
    matrix, token and position embeddings included; vectors are biases and the gains of layer norm.
    """
    trainable = {name: p for name, p in model.named_parameters() if p.requires_grad}
    decayed = {name: p for name, p in trainable.items() if p.ndim >= 2}
    exempt = {name: p for name, p in trainable.items() if p.ndim < 2}
    return decayed, exempt


def build_optimizer(model: nn.Module, settings: TrainSettings) -> torch.optim.AdamW:
    """AdamW with decoupled weight decay, in its fused implementation (CPU and CUDA have one)."""
    decayed, exempt = parameter_groups(model)
    return torch.optim.AdamW(
        [
            {"params": list(decayed.values()), "weight_decay": settings.weight_decay},
            {"params": list(exempt.values()), "weight_decay": 0.0},
        ],
        lr=settings.peak_lr,
        betas=(settings.beta1, settings.beta2),
        eps=settings.eps,
        fused=True,
    )


def set_learning_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    """Give every group the same rate."""
    for group in optimizer.param_groups:
        group["lr"] = rate


def optimizer_tensors(model: nn.Module, optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
    """The moments and step counts, named ``<parameter>.<exp_avg | exp_avg_sq | step>``."""
    return {
        f"{name}.{key}": value
        for name, parameter in model.named_parameters()
        for key, value in optimizer.state.get(parameter, {}).items()
    }


def load_optimizer_tensors(
    model: nn.Module, optimizer: torch.optim.Optimizer, tensors: dict[str, Tensor]
) -> None:
    """Restore what ``optimizer_tensors`` named."""
    for name, parameter in model.named_parameters():
        state = {
            key: tensors[f"{name}.{key}"]
            for key in ("step", "exp_avg", "exp_avg_sq")
            if f"{name}.{key}" in tensors
        }
        if state:
            optimizer.state[parameter] = {key: value.to(parameter.device) for key, value in state.items()}
