"""Early stopping: the weights that scored best on held-out rows are kept, and a training may end by them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from gptrepro.train.log import Row


@dataclass(frozen=True)
class EarlyStopping:
    """What is watched, and for how long a training may go on without getting better.

    All that it decides follows from the rows of the log, so that a stopped training goes on as if it had not
    been stopped.
    """

    metric: str
    """A figure of the evaluation, such as ``dev_accuracy``."""
    lower_is_better: bool = False
    patience: int | None = None
    """Evaluations in a row that may pass without a better one; None trains to the end and keeps the best."""

    def best(self, rows: Sequence[Row]) -> int | None:
        """The place of the best row among ``rows``, the first of equals; None where none was evaluated."""
        scored = [i for i, row in enumerate(rows) if self.metric in row]
        return min(scored, key=lambda i: self._cost(rows[i]), default=None)

    def improved(self, rows: Sequence[Row]) -> bool:
        """Whether the last row is the best."""
        return self.best(rows) == len(rows) - 1 and bool(rows)

    def is_over(self, rows: Sequence[Row]) -> bool:
        """Whether the patience is used up."""
        best = self.best(rows)
        if best is None or self.patience is None:
            return False
        return sum(self.metric in row for row in rows[best + 1 :]) >= self.patience

    def _cost(self, row: Row) -> float:
        return row[self.metric] if self.lower_is_better else -row[self.metric]


def best_weights(folder: Path) -> Path:
    """The file of the best weights of the training in a folder."""
    return folder / "weights" / "best.safetensors"
