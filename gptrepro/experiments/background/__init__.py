"""Experiments of the background chapter: what the GPT papers build on."""

from gptrepro.experiments.background import language_models, learning_curves, positions, seq2seq

__all__ = ["language_models", "learning_curves", "positions", "seq2seq"]
