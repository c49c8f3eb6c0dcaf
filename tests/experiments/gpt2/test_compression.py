"""What a token holds, counted by hand."""

from __future__ import annotations

from pathlib import Path

import pytest

from gptrepro.experiments.base import Unit
from gptrepro.experiments.gpt2.compression import ARTICLE, COMPRESSION
from gptrepro.scales import Scale
from gptrepro.sources.assets import tokenizer_files
from gptrepro.tokenizer import load_published_gpt2


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, object]]:
    folder: Path = tmp_path_factory.mktemp("unit")
    return COMPRESSION.measure(COMPRESSION.config(Scale.SMOKE), Unit(100, folder, folder)).rows


def test_bytes_per_token_are_those_of_the_published_vocabulary(rows: list[dict[str, object]]) -> None:
    files = tokenizer_files("gpt2")
    gpt2 = load_published_gpt2(files["encoder.json"], files["vocab.bpe"])
    tokens = len(gpt2.encode(ARTICLE["korean"]))
    place = {"language": "korean", "vocabulary": "gpt2"}
    assert {"value": tokens, "score": "tokens", **place} in rows
    held = round(len(ARTICLE["korean"].encode()) / tokens, 4)
    assert {"value": held, "score": "bytes_per_token", **place} in rows


def test_every_byte_level_vocabulary_gives_every_reading_back(rows: list[dict[str, object]]) -> None:
    returned = [row["value"] for row in rows if row["score"] == "returned"]
    assert len(returned) >= 16 and set(returned) == {1.0}


def test_only_merges_without_the_rule_take_in_marks(rows: list[dict[str, object]]) -> None:
    doubled = {row["vocabulary"]: row["value"] for row in rows if row["score"] == "tokens_with_marks"}
    assert doubled["across"] > 10 and doubled["gpt2"] == doubled["english"] == 0


@pytest.mark.mirror
def test_sentences_of_one_row_are_as_often_there(tmp_path: Path) -> None:
    from gptrepro.experiments.gpt2.compression import _pairs

    pairs = _pairs(COMPRESSION.config(Scale.LAPTOP))
    assert {len(rows) for rows in pairs.values()} == {1379}
