"""The log of a training: one JSON line for each logged update."""

from __future__ import annotations

import contextlib
import errno
import json
import os
from pathlib import Path
from types import TracebackType

from gptrepro.errors import GptreproError
from gptrepro.storage import write_text

Row = dict[str, float]


class MetricsLog:
    """Rows in ``metrics.jsonl``, in the order of their steps and each step once.

    Opening it for a training that goes on from ``step`` drops the rows after that step, which will be
    written again, and a last line that was cut short.

    Raises:
        GptreproError: the disk is full (from ``append`` and ``sync`` too).
    """

    def __init__(self, path: Path, step: int) -> None:
        self._path = path
        self.rows = [row for row in _readable_rows(path) if row["step"] <= step] if step else []
        write_text(path, "".join(json.dumps(row) + "\n" for row in self.rows))
        self._file = path.open("a", encoding="utf-8", newline="\n")

    def append(self, row: Row) -> None:
        """Add a row, at once readable by others."""
        self.rows.append(row)
        try:
            self._file.write(json.dumps(row) + "\n")
            self._file.flush()
        except OSError as error:
            raise self._explained(error) from error

    def sync(self) -> None:
        """Return once the rows are on the disk; a checkpoint must not be ahead of its log."""
        try:
            os.fsync(self._file.fileno())
        except OSError as error:
            raise self._explained(error) from error

    def _explained(self, error: OSError) -> Exception:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            return GptreproError(
                f"The disk is full while writing {self._path}: free some space, then run the same "
                "command again; the training goes on from its last checkpoint."
            )
        return error

    def __enter__(self) -> MetricsLog:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with contextlib.suppress(OSError):  # a full disk: append has said so already
            self._file.close()


def _readable_rows(path: Path) -> list[Row]:
    rows: list[Row] = []
    if path.exists():
        for line in path.read_bytes().splitlines():
            try:
                rows.append(json.loads(line))
            except ValueError:  # a write that a kill cut short; nothing follows it
                break
    return rows
