"""The ledger's files hold what is judged today, and say what they hold."""

from __future__ import annotations

import csv
import io
import json
import re

import jsonschema
import pytest

from gptrepro import storage
from gptrepro.claims.export import as_csv, claims_schema, croissant, full_rows, record_schema
from gptrepro.claims.outcome import PICTURE, picture, with_outcome
from gptrepro.claims.stored import digest_of_inputs, verdicts_file
from gptrepro.claims.tables import counts_by_paper, headline
from gptrepro.results.record import laid_out

DATA = storage.data_folder()
RENEW = "renew it with `make refresh WHAT=ledger`"


def stored() -> dict:
    return json.loads(verdicts_file().read_text(encoding="utf-8"))


def near(value):
    """The value, its floats to be compared as numbers of another processor."""
    if isinstance(value, dict):
        return {key: near(part) for key, part in value.items()}
    if isinstance(value, list):
        return [near(part) for part in value]
    return pytest.approx(value, rel=1e-4, abs=1e-9) if isinstance(value, float) else value


def test_the_stored_verdicts_are_those_of_today(ledger):
    found = stored()
    assert found["inputs"] == digest_of_inputs(), RENEW
    for now, then in zip(full_rows(list(ledger.values())), found["claims"], strict=True):
        assert now == near(then), f"{now['id']}: {RENEW}"


def test_a_row_says_what_its_verdict_rests_on(ledger):
    rows = {row["id"]: row for row in stored()["claims"]}
    tried = [row for row in rows.values() if row["basis"] == "experiment" and row["scale"]]
    assert len(tried) >= 25
    for row in tried:
        own = json.loads((DATA / "results" / row["scale"] / f"{row['experiment']}.json").read_text())
        assert own["digest"] in [record["digest"] for record in row["records"]]
        assert row["arguments"]["experiment"] == row["experiment"]
        assert all(len(commit) == 40 for record in row["records"] for commit in record["commits"])
        if row["p_uncorrected"] is not None:
            assert row["p_uncorrected"] <= row["p_value"] * (1 + 1e-5)


def test_the_readme_tells_what_came_out(ledger):
    judged = list(ledger.values())
    counts = counts_by_paper(judged)
    readme = (storage.project_root() / "README.md").read_text(encoding="utf-8")
    assert with_outcome(readme, counts, headline(judged)) == readme, RENEW
    drawn = (storage.project_root() / PICTURE).read_text(encoding="utf-8")
    assert drawn == picture(counts), RENEW
    widths = [float(width) for width in re.findall(r'width="([\d.]+)" height="20"', drawn)]
    longest = counts["claims"].max()
    for claims, bar in zip(
        counts["claims"], [widths[i : i + 5] for i in range(0, len(widths), 5)], strict=True
    ):
        assert sum(bar) == pytest.approx(520 * claims / longest, abs=0.5)


@pytest.mark.parametrize(
    ("name", "made"),
    [
        ("verdicts.csv", as_csv),
        ("croissant.json", lambda rows: laid_out(croissant(rows, as_csv(rows))) + "\n"),
        ("claims.schema.json", lambda _: laid_out(claims_schema()) + "\n"),
        ("record.schema.json", lambda _: laid_out(record_schema()) + "\n"),
    ],
)
def test_the_other_files_follow_from_it(name, made):
    assert (DATA / name).read_text(encoding="utf-8") == made(stored()["claims"]), RENEW


def test_the_table_reads_back_to_the_rows():
    rows = stored()["claims"]
    table = list(csv.DictReader(io.StringIO(as_csv(rows))))
    assert [row["id"] for row in table] == [row["id"] for row in rows]
    for row, cells in zip(rows, table, strict=True):
        assert json.loads(cells["arguments"]) == row["arguments"]
        assert (cells["p_value"] or None) == (None if row["p_value"] is None else str(row["p_value"]))


def test_the_description_names_every_column_and_the_bytes_of_the_table():
    text = (DATA / "verdicts.csv").read_text(encoding="utf-8")
    found = json.loads((DATA / "croissant.json").read_text(encoding="utf-8"))
    columns = [field["source"]["extract"]["column"] for field in found["recordSet"][0]["field"]]
    assert columns == text.partition("\n")[0].split(",")
    assert found["distribution"][0]["sha256"] == storage.sha256_file(DATA / "verdicts.csv")


def test_schemas_take_what_there_is_and_refuse_what_the_package_refuses():
    claims, record = claims_schema(), record_schema()
    for schema in (claims, record):
        jsonschema.Draft202012Validator.check_schema(schema)
    for path in sorted((DATA / "claims").glob("*.yml")):
        jsonschema.validate(storage.read_yaml(path), claims)
    for path in sorted((DATA / "results").glob("*/*.json")):
        jsonschema.validate(json.loads(path.read_text(encoding="utf-8")), record)
    row = {"id": "a", "where": "here", "statement": "So it is.", "kind": "result", "no_rule": "cited"}
    jsonschema.validate([row], claims)
    for wrong in ({"kind": "guess"}, {"id": "A b"}, {"more": 1}):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate([row | wrong], claims)
