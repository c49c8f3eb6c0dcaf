"""Experiments of the GPT-2 chapter."""

from gptrepro.experiments.gpt2 import ladder

__all__ = ["ladder"]
