"""Evaluation: perplexity, questions put as text, and the statistics behind every verdict."""
