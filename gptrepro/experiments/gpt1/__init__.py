"""Experiments of the GPT-1 chapter."""

from gptrepro.experiments.gpt1 import (
    fine_tuning,
    fine_tuning_settings,
    pretraining,
    zero_shot,
)

__all__ = ["fine_tuning", "fine_tuning_settings", "pretraining", "zero_shot"]
