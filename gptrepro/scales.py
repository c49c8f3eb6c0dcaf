"""The four scales at which every experiment runs, smallest first.

One code path serves all of them: a scale only changes the numbers in an experiment's configuration.
"""

from __future__ import annotations

from enum import StrEnum

from gptrepro.errors import GptreproError


class Scale(StrEnum):
    """Where a run takes place, ordered by cost."""

    SMOKE = "smoke"
    """Seconds, on the embedded data: for tests, never published."""
    LAPTOP = "laptop"
    """Two processor cores: what the book publishes until something bigger has run."""
    GPU = "gpu"
    """One GPU, hours."""
    PAPER = "paper"
    """The published hyperparameters: many GPUs."""

    @property
    def publishable(self) -> bool:
        """Whether records of this scale may enter ``data/results``."""
        return self is not Scale.SMOKE


def parse_scale(name: str) -> Scale:
    """The scale called ``name``.

    Raises:
        GptreproError: there is no such scale.
    """
    try:
        return Scale(name)
    except ValueError:
        raise GptreproError(f"There is no scale '{name}': choose {', '.join(Scale)}.") from None


def largest_first() -> tuple[Scale, ...]:
    """The publishable scales, from the one whose evidence counts most."""
    return tuple(scale for scale in reversed(Scale) if scale.publishable)
