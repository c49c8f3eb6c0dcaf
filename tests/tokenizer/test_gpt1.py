"""GPT-1's tokenizer against golden ids and a plain byte pair encoding."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gptrepro.errors import GptreproError
from gptrepro.tokenizer import ByteLevelTokenizer, Gpt1Tokenizer, train_gpt1_bpe
from tests.tokenizer.gpt1_reference import reference_encode

GOLDEN = json.loads((Path(__file__).parent / "golden" / "gpt1.json").read_text())["rows"]
WORDS = (
    "witch",
    "Witches",
    "again",
    "thunder",
    "n't",
    "don't",
    "rain-",
    "—",
    "…",
    "“",
    "é",
    "z",
    "中",
    "\n",
    ".",
)


@pytest.mark.mirror
def test_published_vocabulary_gives_the_golden_ids(published_gpt1: Gpt1Tokenizer) -> None:
    assert {row["text"]: published_gpt1.encode(row["text"]) for row in GOLDEN} == {
        row["text"]: row["ids"] for row in GOLDEN
    }


@pytest.mark.mirror
def test_published_vocabulary_has_the_size_of_the_checkpoint(published_gpt1: Gpt1Tokenizer) -> None:
    assert published_gpt1.n_vocab == 40_478
    assert len(published_gpt1.merges) == 40_000
    assert published_gpt1.end_of_text is None


def test_trained_vocabulary_agrees_with_a_plain_encoder(small_gpt1: Gpt1Tokenizer) -> None:
    texts = [row["text"] for row in GOLDEN]
    expected = {text: reference_encode(text, small_gpt1.vocab, small_gpt1.merges) for text in texts}
    assert {text: small_gpt1.encode(text) for text in texts} == expected


@given(st.lists(st.sampled_from(WORDS) | st.text(max_size=4), max_size=12).map(" ".join))
@settings(max_examples=150, deadline=None)
def test_trained_vocabulary_agrees_with_a_plain_encoder_on_any_text(
    small_gpt1: Gpt1Tokenizer, text: str
) -> None:
    assert small_gpt1.encode(text) == reference_encode(text, small_gpt1.vocab, small_gpt1.merges)


def test_golden_ids_of_the_small_vocabulary(small_gpt1: Gpt1Tokenizer) -> None:
    ids = small_gpt1.encode("The witch’s\n\nrain — 中")
    tokens = [small_gpt1._tokens[token] for token in ids]
    assert tokens[0] == "the</w>"
    assert tokens[-1] == "<unk>" and tokens[-2] == "-</w>"
    assert "\n</w>" in tokens and "".join(tokens).count("\n") == 1
    assert small_gpt1.decode(ids) == "the witch 's \n rain - <unk>"


def test_a_decoded_text_has_the_same_ids(small_gpt1: Gpt1Tokenizer) -> None:
    text = "When shall we three meet again?\nIn thunder, lightning, or in rain?"
    ids = small_gpt1.encode(text)
    assert (
        small_gpt1.decode(ids) == "when shall we three meet again ? \n in thunder , lightning , or in rain ?"
    )
    assert small_gpt1.encode(small_gpt1.decode(ids)) == ids


def test_ids_outside_the_vocabulary_are_refused(small_gpt1: Gpt1Tokenizer) -> None:
    with pytest.raises(GptreproError, match="outside this vocabulary"):
        small_gpt1.decode([0, small_gpt1.n_vocab])
    with pytest.raises(GptreproError, match="outside this vocabulary"):
        small_gpt1.decode([-1])


def test_training_learns_the_most_frequent_pair_first() -> None:
    tokenizer = train_gpt1_bpe(["low low low low lower lower"], 14)
    assert tokenizer.merges == [("l", "o"), ("lo", "w</w>")]
    assert set(tokenizer.vocab) == {
        "<unk>",
        *(form for letter in "lower" for form in (letter, letter + "</w>")),
        *("lo", "low</w>", "\n</w>"),
    }  # fmt: skip
    assert tokenizer.vocab["<unk>"] == 0 and tokenizer.vocab["\n</w>"] == tokenizer.n_vocab - 1 == 13


def test_training_counts_words_as_often_as_they_occur() -> None:
    # "ab" 1,500 times outweighs "cd" 1,200 times, both beyond the trainer's batches of a thousand.
    tokenizer = train_gpt1_bpe(["ab " * 1500, "cd " * 1200], 12)
    assert tokenizer.merges == [("a", "b</w>"), ("c", "d</w>")]


def test_training_keeps_the_most_frequent_characters_only() -> None:
    rare = "".join(chr(0x4E00 + index) for index in range(400))
    tokenizer = train_gpt1_bpe(["common words " * 50 + rare], 600)
    assert sum(len(token) == 1 for token in tokenizer.vocab) == 238
    assert {"c", "w", "s"} <= tokenizer.vocab.keys()


def test_training_is_the_same_in_every_process(
    small_gpt1: Gpt1Tokenizer, small_gpt2: ByteLevelTokenizer
) -> None:
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]); from conftest import PLAY; "
        "from gptrepro.tokenizer import train_gpt1_bpe, train_byte_level_bpe; "
        "print(train_gpt1_bpe(PLAY[::-1], 180).digest, train_byte_level_bpe(PLAY, 340).digest)"
    )
    printed = subprocess.run(
        [sys.executable, "-c", code, str(Path(__file__).parent)],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONHASHSEED": "1"},
    ).stdout
    assert printed.split() == [small_gpt1.digest, small_gpt2.digest]


def test_too_small_a_vocabulary_says_how_many_are_needed() -> None:
    with pytest.raises(GptreproError, match=r"at least 12 tokens .* not 11"):
        train_gpt1_bpe(["low lower"], 11)


@pytest.mark.parametrize("texts", [[], [""], [" \n\n "]])
def test_an_empty_corpus_is_refused(texts: list[str]) -> None:
    with pytest.raises(GptreproError, match="no word"):
        train_gpt1_bpe(texts, 1000)
