"""The ledger as files that any program reads: JSON, CSV, JSON Schema and a Croissant description.

They stand in ``data/`` and are written by ``make refresh WHAT=ledger``, with what came out in the README;
they come with the book's pages, where the Scoreboard links them. What a schema says is what the package
checks on load, but for what no schema can say.
"""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from gptrepro import __version__, storage
from gptrepro.claims.claim import Claim, load_claims
from gptrepro.claims.evidence import Evidence
from gptrepro.claims.ledger import JudgedClaim, judge
from gptrepro.claims.outcome import PICTURE, picture, with_outcome
from gptrepro.claims.stored import LAYOUT, Row, digest_of_inputs
from gptrepro.claims.tables import counts_by_paper, headline, measured, printed
from gptrepro.results import Record
from gptrepro.results.preregistration import SOURCES
from gptrepro.results.record import laid_out
from gptrepro.scales import Scale

DIGITS = 6
"""Significant digits of measured numbers: what is left out differs from processor to processor."""


def full_rows(judged: Sequence[JudgedClaim], evidence: Evidence | None = None) -> list[Row]:
    """Judged claims with all that is known of them, as JSON values."""
    evidence = evidence or Evidence()
    return [_full_row(item, evidence) for item in judged]


def _full_row(item: JudgedClaim, evidence: Evidence) -> Row:
    rule, trial = item.claim.rule, item.judgement.trial
    row = item.as_row() | {
        "published_text": printed(item.claim),
        "measured_text": measured(item),
        "rule": None if rule is None else rule.name,
        "arguments": {} if rule is None else rule.arguments,
        "p_uncorrected": None if trial is None else trial.p_value,
        "records": _records(item, evidence),
        "address": f"notebooks/ledger/scoreboard.html#{item.anchor}",
    }
    plain: Row = json.loads(json.dumps(_rounded(row)))
    return plain


def _records(item: JudgedClaim, evidence: Evidence) -> list[dict[str, Any]]:
    """What the verdict rests on: the records at the scale that decides, with digest and commits."""
    scale, rule = item.judgement.scale, item.claim.rule
    if scale is None or rule is None:
        return []
    found = [
        evidence.by_scale(rule.arguments[role])[Scale(scale)] for role in SOURCES if role in rule.arguments
    ]
    return [
        {
            "experiment": record.experiment,
            "scale": str(record.scale),
            "version": record.version,
            "digest": record.digest,
            "contents": record.contents,
            "commits": sorted({commit for run in record.runs for commit in run.commits}),
        }
        for record in found
    ]


def _rounded(value: Any) -> Any:
    """Floats to `DIGITS` significant digits; what is infinite or NaN is null."""
    if isinstance(value, Mapping):
        return {str(key): _rounded(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(part) for part in value]
    if isinstance(value, float):
        return float(f"{value:.{DIGITS}g}") if math.isfinite(value) else None
    return value


def ledger_files(readme: str) -> dict[str, str]:
    """Every file by its path in the checkout: all claims are judged, which takes some seconds.

    Args:
        readme: the text of the README, in which what came out is renewed.
    """
    evidence = Evidence()
    judged = judge(load_claims(), evidence)
    rows, counts = full_rows(judged, evidence), counts_by_paper(judged)
    verdicts = {"layout": LAYOUT, "inputs": digest_of_inputs(), "claims": rows}
    table = as_csv(rows)
    return {
        "data/verdicts.json": _json(verdicts),
        "data/verdicts.csv": table,
        "data/claims.schema.json": _json(claims_schema()),
        "data/record.schema.json": _json(record_schema()),
        "data/croissant.json": _json(croissant(rows, table)),
        "README.md": with_outcome(readme, counts, headline(judged)),
        PICTURE: picture(counts),
    }


def write_ledger(root: Path) -> list[Path]:
    """Write what `ledger_files` makes into the checkout at ``root``; returns the files that changed."""
    changed = []
    for name, text in ledger_files(storage.read_text(root / "README.md")).items():
        path = root / name
        if not path.is_file() or path.read_bytes() != text.encode():
            storage.write_text(path, text)
            changed.append(path)
    return changed


def _json(value: Any) -> str:
    return laid_out(value) + "\n"


def as_csv(rows: Sequence[Row]) -> str:
    """The rows as a table: text, numbers and yes or no as they are, all else as JSON."""
    text = io.StringIO()
    writer = csv.DictWriter(text, fieldnames=list(rows[0]), lineterminator="\n")
    writer.writeheader()
    for row in rows:
        writer.writerow({name: _cell(value) for name, value in row.items()})
    return text.getvalue()


def _cell(value: Any) -> Any:
    if isinstance(value, bool | list | dict):
        return json.dumps(value, ensure_ascii=False)
    return "" if value is None else value


def claims_schema() -> dict[str, Any]:
    """JSON Schema of a file in ``data/claims``: a list of claims, whose paper is the name of the file."""
    schema = Claim.model_json_schema()
    definitions = schema.pop("$defs", {})
    for given_by_the_file in ("paper", "rows"):
        del schema["properties"][given_by_the_file]
    schema["required"].remove("paper")
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Claims of a paper",
        "type": "array",
        "minItems": 1,
        "items": schema,
        "$defs": definitions,
    }


def record_schema() -> dict[str, Any]:
    """JSON Schema of a published record."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema"} | Record.model_json_schema()


_NUMBERS = {"size", "level", "p_value", "p_uncorrected", "mde", "n"}
_TRUTHS = {"primary"}


def croissant(rows: Sequence[Row], table: str) -> dict[str, Any]:
    """The table of verdicts as a data set in the vocabulary of Croissant 1.0 (ML Commons).

    Args:
        rows: the ledger.
        table: the text of ``verdicts.csv``.
    """
    file = "verdicts.csv"
    kinds = dict.fromkeys(_NUMBERS, "sc:Float") | dict.fromkeys(_TRUTHS, "sc:Boolean")
    fields = [
        {
            "@type": "cr:Field",
            "@id": f"verdicts/{name}",
            "name": name,
            "description": DESCRIPTIONS[name],
            "dataType": kinds.get(name, "sc:Text"),
            "source": {"fileObject": {"@id": file}, "extract": {"column": name}},
        }
        for name in rows[0]
    ]
    config = storage.read_yaml(storage.project_root() / "_config.yml")
    return {
        "@context": _CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": "http://mlcommons.org/croissant/1.0",
        "name": "gptrepro-ledger",
        "description": "What the GPT-1, GPT-2 and GPT-3 papers claim, and the verdict on each claim: what a "
        "replication measured, by which rule, from which record.",
        "license": "https://spdx.org/licenses/MIT",
        "url": config["repository"]["url"],
        "version": __version__,
        "creator": {"@type": "sc:Organization", "name": config["author"]},
        "distribution": [
            {
                "@type": "cr:FileObject",
                "@id": file,
                "name": file,
                "contentUrl": file,
                "encodingFormat": "text/csv",
                "sha256": storage.sha256_text(table),
            }
        ],
        "recordSet": [
            {
                "@type": "cr:RecordSet",
                "@id": "verdicts",
                "name": "verdicts",
                "description": f"{len(rows)} claims, one a row.",
                "key": {"@id": "verdicts/id"},
                "field": fields,
            }
        ],
    }


DESCRIPTIONS = {
    "id": "The claim, by a name that stays.",
    "paper": "Who states it: a paper, popular texts, or what the papers say twice.",
    "where": "Its place in the paper.",
    "statement": "What is said, in words of ours.",
    "published": "The value that the paper prints, as JSON where there are several.",
    "table": "The file of data/claims/tables with the published values, where they are many.",
    "unit": "Unit of the published value.",
    "kind": "What the claim is about.",
    "stated_by": "Whether the paper says it in this form, or we do.",
    "primary": "Whether it is a main claim of its chapter, whose test is not corrected for others.",
    "mirror_of": "The claim whose opposite it states.",
    "chapter": "The notebook that discusses it.",
    "verdict": "What the evidence says.",
    "reason": "Why, in a sentence.",
    "measured": "What was measured, built or computed.",
    "compared": "Means of what is compared, by name, as JSON.",
    "effect": "What is tested.",
    "size": "Mean of the effect.",
    "level": "The one-sided level that decided.",
    "interval": "Of the effect, at that level, as JSON.",
    "p_value": "One-sided, corrected for the other claims of the chapter where it is not primary.",
    "p_uncorrected": "The same before the correction.",
    "mde": "The smallest effect that the test would have seen with 80% power.",
    "n": "Independent units that the interval rests on.",
    "seeds": "Of the runs, as JSON.",
    "scale": "At which the deciding record was made.",
    "experiment": "Which it is.",
    "precision": "Number format of the trainings.",
    "beside": "What other scales say, as JSON.",
    "registration": "Whether the rule was recorded before the runs.",
    "stale": "Why the record no longer fits the code, and what renews it.",
    "basis": "What the verdict rests on; only an experiment is evidence about a paper's results.",
    "published_text": "The published value as short text.",
    "measured_text": "What was measured, as short text.",
    "rule": "The rule that judges it.",
    "arguments": "What the rule is given, as JSON.",
    "records": "The records that it rests on, with digests and commits, as JSON.",
    "address": "Its row on the Scoreboard, from the root of the book.",
}
"""What each field of a row says."""

_CONTEXT = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "citeAs": "cr:citeAs",
    "column": "cr:column",
    "conformsTo": "dct:conformsTo",
    "cr": "http://mlcommons.org/croissant/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "extract": "cr:extract",
    "field": "cr:field",
    "fileProperty": "cr:fileProperty",
    "fileObject": "cr:fileObject",
    "fileSet": "cr:fileSet",
    "format": "cr:format",
    "includes": "cr:includes",
    "isLiveDataset": "cr:isLiveDataset",
    "jsonPath": "cr:jsonPath",
    "key": "cr:key",
    "md5": "cr:md5",
    "parentField": "cr:parentField",
    "path": "cr:path",
    "recordSet": "cr:recordSet",
    "references": "cr:references",
    "regex": "cr:regex",
    "repeated": "cr:repeated",
    "replace": "cr:replace",
    "sc": "https://schema.org/",
    "separator": "cr:separator",
    "source": "cr:source",
    "subField": "cr:subField",
    "transform": "cr:transform",
}
"""The terms of the vocabulary, as its specification has every description state them."""
