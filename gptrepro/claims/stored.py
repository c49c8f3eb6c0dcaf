"""The ledger as it was judged last, read from ``data/verdicts.json`` without torch.

`gptrepro.claims.export` writes the file. A row says all that is known of a claim: what the paper says and
where, its rule with its arguments, the verdict with its test, and the records that it rests on.
"""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from typing_extensions import TypedDict

from gptrepro import storage
from gptrepro.claims.verdict import Verdict
from gptrepro.errors import GptreproError

LAYOUT = 1
"""Raised when rows lose or rename a field."""

Row = dict[str, Any]
"""A judged claim, flat but for its values, its rule and its records."""


class Verdicts(TypedDict):
    """What ``data/verdicts.json`` holds."""

    layout: int
    inputs: str
    """Digest of the claims and records that were judged (`digest_of_inputs`)."""
    claims: list[Row]


def verdicts_file() -> Path:
    """Where the judged ledger is kept."""
    return storage.data_folder() / "verdicts.json"


def digest_of_inputs() -> str:
    """SHA-256 over the files of claims and of published records."""
    folder = storage.data_folder()
    files = sorted(path for part in ("claims", "results") for path in (folder / part).rglob("*.*"))
    return storage.sha256_text(
        storage.canonical_json(
            {path.relative_to(folder).as_posix(): storage.sha256_file(path) for path in files}
        )
    )


def read_verdicts() -> list[Row] | None:
    """The rows of the ledger, or None where claims or records have changed since they were judged.

    Raises:
        GptreproError: the file is damaged.
    """
    path = verdicts_file()
    if not path.is_file():
        return None
    found = storage.read_json(path, Verdicts, "ledger", "make it again with `make refresh WHAT=ledger`")
    return found["claims"] if (found["layout"], found["inputs"]) == (LAYOUT, digest_of_inputs()) else None


def find(rows: Sequence[Row], claim: str) -> Row:
    """The row of one claim.

    Raises:
        GptreproError: there is none; the message lists near matches.
    """
    for row in rows:
        if row["id"] == claim:
            return row
    names = [row["id"] for row in rows]
    near = difflib.get_close_matches(claim, names, n=3, cutoff=0.3) or names[:3]
    raise GptreproError(f"There is no claim '{claim}'; did you mean {', '.join(near)}?")


def select(rows: Sequence[Row], *, paper: str | None = None, verdict: str | None = None) -> list[Row]:
    """The rows of one paper, with one verdict, or both.

    Raises:
        GptreproError: no claim is of that paper, or there is no such verdict.
    """
    papers = sorted({row["paper"] for row in rows})
    if paper is not None and paper not in papers:
        raise GptreproError(f"There are no claims of '{paper}': choose {', '.join(papers)}.")
    if verdict is not None and verdict not in set(Verdict):
        raise GptreproError(f"There is no verdict '{verdict}': choose {', '.join(Verdict)}.")
    return [row for row in rows if paper in (None, row["paper"]) and verdict in (None, row["verdict"])]
