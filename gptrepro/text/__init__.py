"""Running text: where it comes from, how it is cleaned, cut into tokens and served as batches."""
