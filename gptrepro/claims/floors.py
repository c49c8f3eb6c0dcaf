"""Floors: the scores below which a comparison says nothing, since neither side has learned the task."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from gptrepro.claims.arguments import Where
from gptrepro.claims.sides import Side, Values, estimate
from gptrepro.errors import GptreproError
from gptrepro.experiments import find_experiment
from gptrepro.experiments.base import Guess, Scored
from gptrepro.results import Record

FloorValue = float | Literal["guessing"]
"""A score; or what guessing gives on the record that is judged, and two standard errors of its items."""

STANDARD_ERRORS = 2.0


@dataclass(frozen=True)
class Floor:
    """A floor and the scores that are held against it."""

    value: float
    scores: Sequence[Sequence[Values]]
    """Of each side, of each member: (seeds, items)."""
    sign: float = 1.0
    """-1 where lower is better."""

    def not_reached(self, replicated_over: str, alpha: float) -> str | None:
        """Why nothing can be decided: no side is above the floor at this one-sided level; None if one is."""
        for members in self.scores:
            found = estimate([self.sign * values for values in members], replicated_over)
            if found.above(self.sign * self.value) < alpha:
                return None
        return f"No mean score is above the floor of {self.value:.3g}, so the test decides nothing."


def floor_of(
    floor: FloorValue,
    record: Record,
    first: Side,
    scores: Sequence[Sequence[Values]],
    *,
    where: Where,
    mean_over: str | None,
    sign: float = 1.0,
) -> Floor:
    """The floor for ``scores``; that of guessing is worked out for the members of ``first``.

    Raises:
        GptreproError: the experiment does not say what guessing gives, or the rule compares no one task.
    """
    if floor != "guessing":
        return Floor(floor, scores, sign)
    guesses = []
    for member, values in zip(first.members, scores[0], strict=True):
        task = member if mean_over == "task" else where.get("task")
        (score,) = first.shared[member]["score"]
        if not isinstance(task, str):
            raise GptreproError("`floor: guessing` is of one task, or of those of `mean_over: task`.")
        guess = guess_at(record, score, task, values.shape[1])
        guesses.append(Guess(guess.value, 0.0) if values.shape[1] > 1 else guess)  # items are in the interval
    error = math.sqrt(math.fsum(each.error**2 for each in guesses))
    level = math.fsum(each.value for each in guesses) + sign * STANDARD_ERRORS * error
    return Floor(level / len(guesses), scores, sign)


def guess_at(record: Record, score: str, task: str, items: int = 1) -> Guess:
    """What guessing gives on a task of a record, on the average over its runs.

    Raises:
        GptreproError: the experiment does not say.
    """
    guessing = find_experiment(record.experiment).guessing
    if guessing is None:
        raise GptreproError(f"{record.experiment} does not say what guessing scores: state the `floor`.")
    kept = items if items > 1 else None
    found = [guessing(Scored(score, task, record.config, run.rows, kept)) for run in record.runs]
    return Guess(math.fsum(each.value for each in found) / len(found), max(each.error for each in found))
