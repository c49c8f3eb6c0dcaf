"""What data there is, and what serves it here."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gptrepro.sources.inventory import fetch, list_datasets, verify
from tests.sources.tiny import MIRROR, TEXTS, UseCatalogue, tiny


def test_the_inventory_says_what_serves(
    tiny_mirror: Path, use_catalogue: UseCatalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_catalogue(tiny(TEXTS, **MIRROR))
    (row,) = list_datasets()
    assert (row.name, row.splits, row.tier, row.bytes) == ("tiny", ("train",), "mirror", 30)
    assert json.loads(json.dumps(row.as_row()))["splits"] == ["train"]
    assert fetch("tiny") == "tiny: train from the mirror"
    assert verify("tiny") == []
    monkeypatch.delenv("GPTREPRO_MIRROR")
    assert list_datasets()[0].tier is None
    assert verify("tiny")[0].startswith("No tier can serve tiny (train)")
