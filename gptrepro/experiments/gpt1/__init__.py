"""Experiments of the GPT-1 chapter."""
