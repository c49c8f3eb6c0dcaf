"""The log of a training: one JSON line for each logged update."""

from __future__ import annotations

import contextlib
import errno
import json
from pathlib import Path
from types import TracebackType

from gptrepro.errors import GptreproError
from gptrepro.storage import parse_json, write_text

Row = dict[str, float]


def write_rows(path: Path, rows: list[Row]) -> None:
    """Write rows as lines of JSON."""
    write_text(path, "".join(json.dumps(row) + "\n" for row in rows))


def read_rows(path: Path) -> list[Row]:
    """The rows of a file up to the first line that is none: a kill may have cut the last one short."""
    rows: list[Row] = []
    if path.is_file():
        for line in path.read_bytes().split(b"\n"):
            try:
                rows.append(dict(parse_json(line, dict[str, int | float])))  # a step stays a whole number
            except GptreproError:
                break
    return rows


class MetricsLog:
    """Rows in ``metrics.jsonl``, for those who watch a training; what counts is in its checkpoints.

    Opening it writes the rows that a training goes on with: what others did to the file, and rows after
    the checkpoint, which will come again, are gone.

    Args:
        path: the file; None for a rank that does not write.
        rows: the rows so far, which grow with every ``append``.

    Raises:
        GptreproError: the disk is full (from ``append`` too).
    """

    def __init__(self, path: Path | None, rows: list[Row]) -> None:
        self._path = path
        self.rows = rows
        self._file = None
        if path is not None:
            write_rows(path, rows)
            self._file = path.open("a", encoding="utf-8", newline="\n")

    def append(self, row: Row) -> None:
        """Add a row, at once readable by others."""
        self.rows.append(row)
        if self._file is None:
            return
        try:
            self._file.write(json.dumps(row) + "\n")
            self._file.flush()
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise GptreproError(
                    f"The disk is full while writing {self._path}: free some space, then run the same "
                    "command again; the training goes on from its last checkpoint."
                ) from error
            raise

    def __enter__(self) -> MetricsLog:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file is not None:
            with contextlib.suppress(OSError):  # a full disk: append has said so already
                self._file.close()
