"""The published records in the repository are valid, small and complete."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from pydantic import ValidationError

from gptrepro import storage
from gptrepro.errors import GptreproError
from gptrepro.experiments import EXPERIMENTS
from gptrepro.experiments.base import Outcomes, row
from gptrepro.results import local_record, run_experiment
from gptrepro.results.record import MAX_PUBLISHED_BYTES, DataUsed, PackedOutcomes, digest_of, read_record
from gptrepro.scales import Scale

RESULTS = storage.project_root() / "data" / "results"
PUBLISHED = sorted(RESULTS.glob("*/*.json"))


@pytest.mark.parametrize("path", PUBLISHED, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_published_records_are_valid(path: Path):
    record = read_record(path)
    assert (record.scale, record.experiment) == (path.parent.name, path.stem)
    assert path.stat().st_size <= MAX_PUBLISHED_BYTES
    experiment = EXPERIMENTS[record.experiment]
    reported = [] if experiment.replicated_over == "item" else list(experiment.seeds[record.scale])
    assert record.seeds == reported
    assert all(len(commit) == 40 for run in record.runs for commit in run.commits)


def test_the_digest_follows_what_determines_a_measurement_and_nothing_else():
    data = [DataUsed(name="plays", split="train", digest="b" * 64, tier="package")]
    base = digest_of("coin", 1, {"flips": 3}, data, "a" * 64)
    from_mirror = [data[0].model_copy(update={"tier": "mirror"})]
    assert digest_of("coin", 1, {"flips": 3}, from_mirror, "a" * 64) == base
    others = [
        digest_of("die", 1, {"flips": 3}, data, "a" * 64),
        digest_of("coin", 2, {"flips": 3}, data, "a" * 64),
        digest_of("coin", 1, {"flips": 4}, data, "a" * 64),
        digest_of("coin", 1, {"flips": 3}, [data[0].model_copy(update={"digest": "c" * 64})], "a" * 64),
        digest_of("coin", 1, {"flips": 3}, data, "d" * 64),
    ]
    assert len({base, *others}) == 6


def test_the_table_has_a_line_a_value_with_its_seed_and_coordinates(coin):
    run_experiment(coin, Scale.LAPTOP, report=lambda _: None)
    record = local_record(coin, Scale.LAPTOP)
    assert record is not None
    table = record.table()
    assert list(table.columns) == ["seed", "value", "score", "fraction"] and len(table) == 9
    assert record.values(score="nll", fraction="largest") == [1.0, 1.0, 1.0]
    assert record.values(score="heads", fraction=None) == [0.5] * 3
    assert len(record.select(score=["nll", "heads"], fraction={"above": 0.6})) == 3


@pytest.mark.parametrize(
    ("where", "sentence"),
    [
        ({"score": "nll"}, "6 rows with score=nll in 3 runs"),
        ({"score": "tails"}, "no row with score=tails"),
        ({"score": "nll", "fracton": 1.0}, "no row has a coordinate 'fracton'"),
        ({"fraction": {"below": 1}}, "can be {above: x}"),
    ],
)
def test_a_selection_that_is_not_one_value_a_run_is_refused(coin, where, sentence):
    run_experiment(coin, Scale.LAPTOP, report=lambda _: None)
    record = local_record(coin, Scale.LAPTOP)
    assert record is not None
    with pytest.raises(GptreproError, match=f"(?i){re.escape(sentence)}"):
        record.values(**where)


def test_outcomes_come_back_in_the_order_of_the_items(coin):
    run_experiment(coin, Scale.LAPTOP, report=lambda _: None)
    record = local_record(coin, Scale.LAPTOP)
    assert record is not None
    assert record.outcomes(score="heads").tolist() == [[1, 0, 0, 1]] * 3
    with pytest.raises(GptreproError, match="no outcomes by item"):
        record.outcomes(score="nll")


@pytest.mark.parametrize("values", [[True] * 3 + [False] * 14, [-0.5, -12.25, 0.0]])
def test_packed_outcomes_keep_every_item(values):
    packed = PackedOutcomes.pack(Outcomes({"score": "any"}, values))
    assert packed.values().tolist() == values
    again = PackedOutcomes.model_validate_json(packed.model_dump_json())
    assert again == packed
    with pytest.raises(ValidationError, match="not those of"):
        PackedOutcomes.model_validate(packed.model_dump() | {"items": 100})


def test_five_thousand_rows_are_published():
    """GPT-3's benchmarks by number of shots, size and seed."""
    rows = [row(0.123456, "accuracy", task=f"task {i}", shots=32, arm="2.7B") for i in range(5000)]
    assert 5000 * len(json.dumps(rows[0])) < MAX_PUBLISHED_BYTES
