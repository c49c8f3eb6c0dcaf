"""Experiments of the GPT-1 chapter."""

from gptrepro.experiments.gpt1 import (
    auxiliary,
    fine_tuning,
    fine_tuning_settings,
    pretraining,
    transfer,
    zero_shot,
)

__all__ = [
    "auxiliary",
    "fine_tuning",
    "fine_tuning_settings",
    "pretraining",
    "transfer",
    "zero_shot",
]
