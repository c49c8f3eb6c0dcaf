"""The book's drawings, each a function that a cell calls."""

from gptrepro.diagrams.attention import bottleneck, causal_mask, heads, one_query
from gptrepro.diagrams.decoders import decoders
from gptrepro.diagrams.uses import prompts, token_boxes, two_stages

__all__ = [
    "bottleneck",
    "causal_mask",
    "decoders",
    "heads",
    "one_query",
    "prompts",
    "token_boxes",
    "two_stages",
]
