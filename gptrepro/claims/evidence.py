"""What rules may look at: records of runs, and the figures of other claims."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from gptrepro.claims.claim import load_claims
from gptrepro.errors import GptreproError
from gptrepro.results import Record, published_records
from gptrepro.scales import Scale


@dataclass(frozen=True)
class Evidence:
    """The records and figures that rules may read; without any given, the published ones."""

    records: Mapping[str, Record] | None = None
    """Records by experiment, in place of the published ones."""
    published: Mapping[str, Any] | None = None
    """What papers print by claim, in place of ``data/claims``."""
    _records: dict[str, dict[Scale, Record]] = field(default_factory=dict, repr=False)
    _published: dict[str, Any] = field(default_factory=dict, repr=False)

    def by_scale(self, experiment: str) -> Mapping[Scale, Record]:
        """The records of an experiment by scale, the largest first."""
        if experiment not in self._records:
            given = (self.records or {}).get(experiment)
            found = published_records(experiment) if self.records is None else [given] if given else []
            self._records[experiment] = {record.scale: record for record in found}
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
