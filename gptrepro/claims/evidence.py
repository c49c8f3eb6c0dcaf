"""What rules may look at: records of runs, and the figures of other claims."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from gptrepro.claims.claim import load_claims
from gptrepro.errors import GptreproError
from gptrepro.results import Record, best_record


@dataclass(frozen=True)
class Evidence:
    """The records and figures that rules may read; without any given, the published ones."""

    records: Mapping[str, Record] | None = None
    """Records by experiment, in place of the published ones."""
    published: Mapping[str, Any] | None = None
    """What papers print by claim, in place of ``data/claims``."""
    _records: dict[str, Record | None] = field(default_factory=dict, repr=False)
    _published: dict[str, Any] = field(default_factory=dict, repr=False)

    def record(self, experiment: str) -> Record | None:
        """The record of an experiment at the largest scale there is, or None."""
        if self.records is not None:
            return self.records.get(experiment)
        if experiment not in self._records:
            self._records[experiment] = best_record(experiment)
        return self._records[experiment]

    def figures(self, claim: str) -> Any:
        """What a paper prints: a published value, or the rows of a table.

        Raises:
            GptreproError: there is no such claim, or it publishes nothing.
        """
        if self.published is None and not self._published:
            self._published.update({each.id: each.figures for each in load_claims()})
        figures = (self._published if self.published is None else self.published).get(claim)
        if figures is None:
            raise GptreproError(f"No claim '{claim}' with a published value: a recomputation takes it.")
        return figures
