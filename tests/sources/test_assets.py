"""Published files come verified, whichever tier has them."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from gptrepro.errors import GptreproError
from gptrepro.sources.assets import fetch_files, tokenizer_files
from gptrepro.sources.inventory import fetch, verify


@pytest.fixture
def no_mirror(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GPTREPRO_MIRROR", raising=False)


def test_gpt2s_vocabulary_comes_from_a_package(no_mirror: None) -> None:
    files = tokenizer_files("gpt2")
    assert set(files) == {"encoder.json", "vocab.bpe"}
    assert len(json.loads(files["encoder.json"].read_text(encoding="utf-8"))) == 50_257


def test_a_damaged_copy_is_replaced(no_mirror: None) -> None:
    path = fetch_files("gpt2-vocabulary")["vocab.bpe"]
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    path.write_bytes(b"damaged")
    assert hashlib.sha256(fetch_files("gpt2-vocabulary")["vocab.bpe"].read_bytes()).hexdigest() == digest
    assert verify("gpt2-vocabulary") == []
    assert str(path) in fetch("gpt2-vocabulary")


def test_the_pronouncing_dictionary(no_mirror: None) -> None:
    lines = fetch_files("cmudict")["cmudict.dict"].read_text(encoding="utf-8").splitlines()
    assert len(lines) > 130_000
    assert any(line.startswith("transformer ") for line in lines)


def test_a_wrong_name_is_one_sentence(no_mirror: None) -> None:
    with pytest.raises(GptreproError, match="did you mean gpt2-vocabulary"):
        fetch_files("gpt2-vocabulari")


@pytest.mark.mirror
def test_gpt1s_vocabulary_comes_from_the_mirror(
    mirror: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GPTREPRO_MIRROR", str(mirror))
    files = tokenizer_files("gpt1")
    assert len(json.loads(files["encoder_bpe_40000.json"].read_text(encoding="utf-8"))) == 40_478
