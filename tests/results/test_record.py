"""The published records in the repository are valid, small and complete."""

from __future__ import annotations

from pathlib import Path

import pytest

from gptrepro import storage
from gptrepro.experiments import EXPERIMENTS
from gptrepro.results.record import MAX_PUBLISHED_BYTES, DataUsed, digest_of, read_record

RESULTS = storage.project_root() / "data" / "results"
PUBLISHED = sorted(RESULTS.glob("*/*.json"))


@pytest.mark.parametrize("path", PUBLISHED, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_published_records_are_valid(path: Path):
    record = read_record(path)
    assert (record.scale, record.experiment) == (path.parent.name, path.stem)
    assert path.stat().st_size <= MAX_PUBLISHED_BYTES
    assert record.seeds == list(EXPERIMENTS[record.experiment].seeds[record.scale])
    assert all(len(run.commit) == 40 for run in record.runs)


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
