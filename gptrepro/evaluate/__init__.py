"""Evaluation: perplexity, completions and the statistics behind every verdict."""
