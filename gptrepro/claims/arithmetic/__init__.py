"""The arithmetic of the papers' own tables: sums, margins, counts, averages.

A check computes a printed number from other printed numbers. Its inputs come from other claims by id,
never from the claim that is judged, so that no number is compared with itself. Importing this package
fills the registry.
"""

from gptrepro.claims.arithmetic import gpt1, gpt2, gpt3_data, gpt3_scores, history
from gptrepro.claims.arithmetic.registry import CHECKS

__all__ = ["CHECKS", "gpt1", "gpt2", "gpt3_data", "gpt3_scores", "history"]
