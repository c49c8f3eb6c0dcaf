"""Claims as data: one row says what a paper (or a text about it) says, where, and how it is judged."""

from __future__ import annotations

import csv
import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from gptrepro import storage
from gptrepro.errors import GptreproError

Kind = Literal["architecture", "training", "data", "result", "analysis", "scaling"]

NoRule = Literal["cited", "not run", "confirmed", "partly right", "refuted", "inconclusive"]

TEXTS = ("popular", "contradictions")
"""The files of what is said about the papers, and of what they say twice: right or wrong, whoever tells."""

MOST_PRIMARY = 2
"""The most claims of a chapter whose tests are not corrected for one another."""

Row = Mapping[str, Any]
"""One row of a wide table: numbers, text, and None where a cell is empty."""


class RuleCall(BaseModel):
    """The rule that judges a claim: a function of `gptrepro.claims.rules` and its arguments."""

    model_config = ConfigDict(extra="allow", frozen=True)

    name: str

    @property
    def arguments(self) -> dict[str, Any]:
        """Everything but the name."""
        return dict(self.model_extra or {})


class Claim(BaseModel):
    """What a paper says, where, and how it is judged here."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    id: str = Field(pattern=r"^[a-z0-9][a-z0-9.-]*$")
    paper: str
    """The file that states it: a paper, ``popular`` (texts about the papers) or ``contradictions``."""
    where: str = Field(min_length=1)
    statement: str = Field(min_length=1)
    short: str | None = Field(default=None, max_length=60)
    """What a trained claim says, in the few words of a figure's row."""
    published: Any = None
    table: str | None = None
    """Name of a file of ``data/claims/tables`` that holds the published values, where they are many."""
    rows: tuple[Row, ...] = ()
    """The rows of that table, read with the claim."""
    covers: tuple[str, ...] = ()
    """Further facts of the paper that this claim states, by their ids; a table's ``id`` column adds more."""
    unit: str | None = None
    kind: Kind
    stated_by: Literal["paper", "ours"] = "paper"
    """Who says it in this form: the paper, or we, taking the paper to say so. Headlines count the paper's."""
    primary: bool = False
    """Whether it is one of the chapter's one or two main claims, whose tests are not corrected for others."""
    mirror_of: str | None = None
    """The claim whose test decides this one too, the other way round: it has no rule of its own."""
    chapter: str | None = None
    """The notebook that discusses it, such as ``gpt1/01-model``."""
    rule: RuleCall | None = None
    no_rule: NoRule | None = None
    """The verdict where no rule judges the claim: what is open, or what reading settles in a text about the
    papers."""
    because: str | None = None
    """Why there is no rule, and what a test would need, or what was read; beside a rule, what to know about
    its verdict."""

    @model_validator(mode="after")
    def _rule_or_reason(self) -> Claim:
        given = [name for name in ("rule", "no_rule", "mirror_of") if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError("a claim has one of rule, no_rule (with because) and mirror_of")
        if self.primary and (self.rule is None or "experiment" not in self.rule.arguments):
            raise ValueError("a primary claim has a rule that an experiment answers")
        if self.no_rule is not None and not self.because:
            raise ValueError("a claim without a rule says why in because")
        if self.no_rule not in (None, "cited", "not run") and self.paper not in TEXTS:
            raise ValueError(f"reading settles claims of {' and '.join(TEXTS)} alone, not '{self.no_rule}'")
        if self.table is not None and self.published is not None:
            raise ValueError("a claim has either a published value or a table")
        return self

    @field_validator("published")
    @classmethod
    def _something(cls, published: Any) -> Any:
        """Every part of what is published can be compared and printed."""
        if isinstance(published, Mapping | list):
            if isinstance(published, Mapping) and not published:
                raise ValueError("holds nothing in {}: state what the paper publishes")
            for part in published.values() if isinstance(published, Mapping) else published:
                cls._something(part)
        elif isinstance(published, float) and not math.isfinite(published):
            raise ValueError(f"holds {published}, which is no number of a paper")
        return published

    @property
    def figures(self) -> Any:
        """What the paper prints: the published value, or the rows of the table."""
        return self.rows if self.table is not None else self.published

    @property
    def facts(self) -> frozenset[str]:
        """Ids under which this claim can be found."""
        of_rows = (str(row["id"]) for row in self.rows if "id" in row)
        return frozenset((self.id, *self.covers, *of_rows))


def claims_folder() -> Path:
    """Where the claims are kept."""
    return storage.data_folder() / "claims"


def read_claims(path: Path) -> list[Claim]:
    """Read one file of claims; its name is the paper.

    Raises:
        GptreproError: the file or a table that it names is damaged, or a claim is incomplete, or cannot be
            judged as it says.
    """
    otherwise = "restore it from the repository or correct it"
    try:
        rows = storage.read_yaml(path, "file of claims", otherwise)
    except GptreproError as error:
        mark = getattr(error.__cause__, "problem_mark", None)
        if mark is None:
            raise
        before = storage.read_text(path).splitlines()[: mark.line + 1]
        names = [found[1] for line in before if (found := re.match(r"- \{?id: ([\w.-]+)", line))]
        raise GptreproError(f"In claim {names[-1]}: {error}" if names else str(error)) from error
    if not isinstance(rows, list) or not rows:
        raise GptreproError(f"{path} is not a list of claims: {otherwise}.")
    return [read_claim(row, path) for row in rows]


def read_claim(row: Any, path: Path) -> Claim:
    """One row of the file at ``path``, checked; see `read_claims`."""
    from gptrepro.claims.rules import check_rule  # rules read claims themselves

    name = row.get("id", "without an id") if isinstance(row, dict) else row
    try:
        if not isinstance(row, dict):
            raise GptreproError("it is no mapping of fields, such as `id` and `statement`.")
        table = {"rows": read_table(path.parent / "tables" / f"{row['table']}.csv")} if "table" in row else {}
        claim = Claim.model_validate({"paper": path.stem} | row | table)
        if claim.rule is not None:
            check_rule(claim.rule.name, claim.published, claim.rule.arguments)
    except GptreproError as error:
        raise GptreproError(f"{path}, claim {name}: {error}") from error
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        if first["type"] in ("missing", "string_too_short"):
            raise GptreproError(f"{path}, claim {name}: it lacks {place}, fill it in.") from error
        raise GptreproError(f"{path}, claim {name}: {place} {first['msg']}.".replace("  ", " ")) from error
    return claim


def read_table(path: Path) -> tuple[Row, ...]:
    """The rows of a CSV file: what reads as a number is one, an empty cell is None.

    Raises:
        GptreproError: there is no such table, a row has more or fewer cells than the head, or a cell is
            infinite or NaN.
    """
    if not path.is_file():
        raise GptreproError(f"There is no table {path}: a claim names it.")
    with path.open(encoding="utf-8", newline="") as lines:
        head, *body = csv.reader(lines)
    for number, cells in enumerate(body, start=2):
        if len(cells) != len(head):
            raise GptreproError(f"{path}, line {number}: {len(cells)} cells under {len(head)} headings.")
    rows = tuple(dict(zip(head, map(_cell, cells), strict=True)) for cells in body)
    for number, row in enumerate(rows, start=2):
        for name, value in row.items():
            if isinstance(value, float) and not math.isfinite(value):
                raise GptreproError(f"{path}, line {number}: {name} is {value}, no number of a paper.")
    return rows


def _cell(text: str) -> str | float | int | None:
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text or None


def load_claims(folder: Path | None = None) -> list[Claim]:
    """Every claim of ``data/claims``, file by file.

    Raises:
        GptreproError: a file is damaged, two claims share an id, `of` names none that publishes a value,
            `mirror_of` none that an experiment answers, or a chapter has more than two primary claims.
    """
    folder = folder or claims_folder()
    claims = [claim for path in sorted(folder.glob("*.yml")) for claim in read_claims(path)]
    seen: set[str] = set()
    for claim in claims:
        if claim.id in seen:
            raise GptreproError(f"Two claims are called {claim.id}: rename one of them.")
        seen.add(claim.id)
    check_sources(claims, folder)
    check_tests(claims, folder)
    return claims


def check_tests(claims: Sequence[Claim], folder: Path) -> None:
    """Refuse a mirror of what no experiment answers, and a chapter that calls everything primary.

    Raises:
        GptreproError: there is one; the sentence names it.
    """
    tested = {claim.id for claim in claims if claim.rule and "experiment" in claim.rule.arguments}
    for claim in claims:
        if claim.mirror_of is not None and claim.mirror_of not in tested:
            raise GptreproError(
                f"{folder / claim.paper}.yml, claim {claim.id}: `mirror_of` names {claim.mirror_of}, which "
                "is no claim that an experiment answers."
            )
    of_chapter = Counter(claim.chapter for claim in claims if claim.primary)
    for chapter, count in of_chapter.items():
        if count > MOST_PRIMARY:
            raise GptreproError(
                f"Chapter {chapter} has {count} primary claims: choose {MOST_PRIMARY} at most, since their "
                "tests are not corrected for one another."
            )


def check_sources(claims: Sequence[Claim], folder: Path) -> None:
    """Refuse a claim that is recomputed from itself, or from what no claim publishes.

    Raises:
        GptreproError: there is one; the sentence names it.
    """
    published = {claim.id for claim in claims if claim.figures is not None}
    for claim in claims:
        for name in _sources(claim):
            if name not in published or name == claim.id:
                raise GptreproError(
                    f"{folder / claim.paper}.yml, claim {claim.id}: `of` names {name}, which is no other "
                    "claim that publishes a value."
                )


def _sources(claim: Claim) -> list[str]:
    """The claims whose figures the rule takes."""
    of = (claim.rule.arguments.get("of") if claim.rule else None) or []
    return [of] if isinstance(of, str) else list(of.values() if isinstance(of, dict) else of)
