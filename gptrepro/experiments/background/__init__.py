"""Experiments of the background chapter: what the GPT papers build on."""
