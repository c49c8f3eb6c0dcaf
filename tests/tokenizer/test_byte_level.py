"""GPT-2's tokenizer: the published ids, and nothing lost."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from transformers import GPT2TokenizerFast

from gptrepro.errors import GptreproError
from gptrepro.tokenizer import ByteLevelTokenizer, train_byte_level_bpe

HARD = (
    "",
    " ",
    "\n",
    "Hello world",
    "  two  spaces  ",
    "tab\tand \t mixed \n \n\n  lines\r\nend \n",
    "don't we'll I'VE 's 'S 're",
    "3.14159 2,000,000 ½ ² Ⅷ 一二三",
    "naïve café e\u0301 Ångström",
    "русский ελληνικά עברית 中文 日本語 한국어",
    "emoji 😀👍🏽🇫🇷 \u200d\ufeff\u00a0\u2028x",
    "\x00\x1c \x1f!\x1c\x85 \x7f",
    "<|endoftext|> is text, <|endoftext|>.",
    "def f(x):\n    return x  # ok\n\n\nclass A:\n\tpass",
    "https://example.org/a?b=c&d=%20#e",
    "   leading, trailing   ",
)
# Cs: halves of surrogate pairs are no characters.
any_text = st.text(st.characters(exclude_categories=["Cs"]))
spaced = st.lists(
    st.sampled_from([" ", "\n", "\t", "\x1c", "\u00a0", "a", "'s", "!", "1", "é"]) | any_text
).map("".join)


@given(any_text | spaced)
@example("<|endoftext|>")
@settings(max_examples=300, deadline=None)
def test_any_text_round_trips(small_gpt2: ByteLevelTokenizer, text: str) -> None:
    ids = small_gpt2.encode(text)
    assert small_gpt2.decode(ids) == text
    assert small_gpt2.end_of_text not in ids


@given(spaced)
@settings(max_examples=300, deadline=None)
def test_pieces_have_the_ids_they_have_in_the_text(small_gpt2: ByteLevelTokenizer, text: str) -> None:
    assert small_gpt2.encode(text) == small_gpt2._backend.encode(text, add_special_tokens=False).ids


def test_ids_are_those_of_transformers_on_hard_lines(small_gpt2: ByteLevelTokenizer, tmp_path: Path) -> None:
    small_gpt2.save(tmp_path)
    theirs = GPT2TokenizerFast.from_pretrained(tmp_path)
    assert len(theirs) == small_gpt2.n_vocab
    assert theirs.eos_token_id == small_gpt2.end_of_text == small_gpt2.n_vocab - 1
    for text in HARD:
        assert small_gpt2.encode(text, allow_special=True) == theirs.encode(text), text
        assert theirs.decode(small_gpt2.encode(text)) == text


def test_end_of_text_is_special_only_on_request(small_gpt2: ByteLevelTokenizer) -> None:
    end = small_gpt2.end_of_text
    text = "one<|endoftext|>two<|endoftext|>"
    assert end not in small_gpt2.encode(text)
    one, two = small_gpt2.encode("one"), small_gpt2.encode("two")
    assert small_gpt2.encode(text, allow_special=True) == [*one, end, *two, end]
    assert small_gpt2.decode([*one, end]) == "one<|endoftext|>"


def test_half_a_character_decodes_to_the_replacement_character(small_gpt2: ByteLevelTokenizer) -> None:
    ids = small_gpt2.encode("中")
    assert len(ids) == 3
    assert small_gpt2.decode(ids[:2]) == "\ufffd"


def test_half_a_surrogate_pair_is_refused(small_gpt2: ByteLevelTokenizer) -> None:
    with pytest.raises(GptreproError, match="surrogate"):
        small_gpt2.encode("a\ud800b")


def test_the_memory_of_pieces_is_bounded(small_gpt2: ByteLevelTokenizer) -> None:
    long = "x" * 1000
    assert small_gpt2.encode(long) and long not in small_gpt2._piece_ids


def test_bytes_keep_the_order_of_the_published_vocabulary(small_gpt2: ByteLevelTokenizer) -> None:
    assert [small_gpt2.vocab[token] for token in "!~¡ÿĀŃ"] == [0, 93, 94, 187, 188, 255]


def test_a_vocabulary_without_merges_is_the_bytes() -> None:
    tokenizer = train_byte_level_bpe(["again and again"], 257)
    assert tokenizer.n_vocab == 257 and tokenizer.merges == []
    assert len(tokenizer.encode("again")) == 5


def test_too_small_a_vocabulary_is_refused() -> None:
    with pytest.raises(GptreproError, match="at least 257"):
        train_byte_level_bpe(["text"], 256)


@pytest.mark.parametrize("texts", [[], ["", ""]])
def test_an_empty_corpus_is_refused(texts: list[str]) -> None:
    with pytest.raises(GptreproError, match="empty"):
        train_byte_level_bpe(texts, 300)


def _real_lines(mirror: Path) -> Iterator[str]:
    for path in sorted((mirror / "webtext-like").rglob("*.jsonl.gz")):
        with gzip.open(path, "rt", encoding="utf-8") as rows:
            for row in islice(rows, 200):
                yield from islice(str(json.loads(row)["text"]).splitlines(keepends=True), 60)


@pytest.mark.mirror
def test_published_vocabulary_gives_the_ids_of_transformers_on_real_lines(
    published_gpt2: ByteLevelTokenizer, mirror: Path, tmp_path: Path
) -> None:
    folder = mirror / "tokenizers" / "gpt2"
    (tmp_path / "vocab.json").write_bytes((folder / "encoder.json").read_bytes())
    (tmp_path / "merges.txt").write_bytes((folder / "vocab.bpe").read_bytes())
    theirs = GPT2TokenizerFast.from_pretrained(tmp_path)
    lines = [*HARD, *islice(_real_lines(mirror), 20_000)]
    assert len(lines) > 10_000
    expected = theirs(lines, add_special_tokens=False)["input_ids"]
    for line, ids in zip(lines, expected, strict=True):
        if "<|endoftext|>" not in line:
            assert published_gpt2.encode(line) == ids, line


@pytest.mark.mirror
def test_published_vocabulary_has_the_papers_size(published_gpt2: ByteLevelTokenizer) -> None:
    assert published_gpt2.n_vocab == 50_257
    assert published_gpt2.end_of_text == 50_256
