"""Text as tokens: cut into shards and served as batches."""
