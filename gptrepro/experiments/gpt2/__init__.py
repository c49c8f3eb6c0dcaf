"""Experiments of the GPT-2 chapter."""
