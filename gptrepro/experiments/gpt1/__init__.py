"""Experiments of the GPT-1 chapter."""

from gptrepro.experiments.gpt1 import learning_rate, pretraining, zero_shot

__all__ = ["learning_rate", "pretraining", "zero_shot"]
