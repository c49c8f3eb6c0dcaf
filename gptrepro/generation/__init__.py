"""Writing text with a model: the cache of keys and values, sampling, and beam search."""
