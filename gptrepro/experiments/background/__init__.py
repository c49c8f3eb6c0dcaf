"""Experiments of the Background chapter: importing this package registers them."""

from gptrepro.experiments.background import seq2seq

__all__ = ["seq2seq"]
