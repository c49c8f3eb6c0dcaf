"""A continuation ends where a stop text begins, whatever tokens it is made of, alone and in batches."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
import torch

from gptrepro.errors import GptreproError
from gptrepro.generation.writing import write
from gptrepro.model import Decoder, DecoderConfig
from gptrepro.tokenizer import ByteLevelTokenizer, Gpt1Tokenizer, train_byte_level_bpe, train_gpt1_bpe

TEXTS = ["He sat. Yes, he sat.\n\nYes. The café was shut.\nHe sat: yes.\n\n"] * 3
N_NEW = 12


@pytest.fixture(scope="module")
def byte_level() -> ByteLevelTokenizer:
    trained = train_byte_level_bpe(TEXTS, 290)
    assert "ĊĊ" in trained.vocab  # two line ends are one token
    return trained


@pytest.fixture(scope="module")
def gpt1() -> Gpt1Tokenizer:
    return train_gpt1_bpe(TEXTS, 90)


def reciting(script: Sequence[int], n_vocab: int) -> Decoder:
    """A decoder that writes the tokens of ``script`` one after the other, whatever the prompt's last was.

    Its blocks do nothing; position ``p`` holds the vector of the token that is to follow it.
    """
    torch.manual_seed(0)
    width = n_vocab + 1 + (n_vocab + 1) % 2
    model = Decoder(DecoderConfig(n_vocab, len(script) + 1, 1, width, 1, norm="pre", dropout=0.0))
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            parameter.fill_(1.0 if name.endswith("ln_f.weight") else 0.0)
        model.wte.weight[:, :n_vocab] = torch.eye(n_vocab)
        for position, token in enumerate(script):
            model.wpe.weight[position, token] = 9.0
    return model.eval()


def written(tokenizer: ByteLevelTokenizer | Gpt1Tokenizer, script: Sequence[int], stop: Sequence[str]) -> str:
    """What follows a prompt of one token in a model that writes ``script``."""
    model = reciting(script, tokenizer.n_vocab)
    start = tokenizer.encode("he")[:1]
    (text,) = write(model, tokenizer, [start], len(script), stop=stop)
    return text


@pytest.mark.parametrize(
    ("text", "stop"),
    [
        ("Yes\n\nHe sat.", ["\n"]),  # half of a token
        ("Yes\n\nHe sat.", ["s\n"]),  # the end of one and the beginning of the next
        ("He sat. Yes, he", ["at. Y"]),
        ("He sat. Yes, he", ["es", "sat"]),  # the first in the text, not in the list
        ("The café was shut.", ["é"]),  # two tokens, and no character before the second
        ("The café was shut.", ["shut.", "w"]),
        ("\n\nYes", ["\n"]),  # at once
        ("Yes. The café", ["absent"]),
        ("Yes. The café", []),
    ],
)
def test_a_stop_is_a_text_wherever_tokens_cut_it(
    byte_level: ByteLevelTokenizer, text: str, stop: list[str]
) -> None:
    found = [text.index(one) for one in stop if one in text]
    assert written(byte_level, byte_level.encode(text), stop) == text[: min(found, default=None)]


def test_nothing_is_written_beyond_a_stop(byte_level: ByteLevelTokenizer) -> None:
    """The model is not asked for more than the token in which the stop ends."""
    script = byte_level.encode("Yes\n\nHe sat.")
    model = reciting(script, byte_level.n_vocab)
    decoded: list[int] = []

    class Counting(ByteLevelTokenizer):
        def continuation(self, before: Sequence[int], new: Sequence[int]) -> str:
            decoded.append(len(new))
            return super().continuation(before, new)

    tokenizer = Counting(byte_level.vocab, byte_level.merges)
    assert write(model, tokenizer, [[0]], len(script), stop=["\n"]) == ["Yes"]
    assert max(decoded) <= len(tokenizer.encode("Yes\n\n")) < len(script)


@pytest.mark.parametrize(
    ("text", "stop", "expected"),
    [
        ("He sat.\nYes", ["\n"], " he sat . "),
        ("He sat.\nYes", ["sat."], " he "),  # the decoder writes a space before the mark
        ("He sat.\nYes", ["SAT"], " he "),
        ("He sat.\nYes, he", [".\nyes"], " he sat "),
        ("He sat.\nYes, he", ["\n\n"], " he sat . "),  # one line end stands for any number
        ("He sat", ["\n"], " he sat"),
    ],
)
def test_gpt1_stops_at_texts_in_the_form_that_it_writes(
    gpt1: Gpt1Tokenizer, text: str, stop: list[str], expected: str
) -> None:
    assert written(gpt1, gpt1.encode(text), stop) == expected


def test_gpt1_stops_at_a_line_end_that_comes_first(gpt1: Gpt1Tokenizer) -> None:
    script = [gpt1.vocab["\n</w>"], *gpt1.encode("he sat")]
    assert written(gpt1, script, ["\n"]).strip() == ""
    assert written(gpt1, script, []).split(" ") == ["", "\n", "he", "sat"]


def test_a_row_stops_for_itself(byte_level: ByteLevelTokenizer) -> None:
    """Random weights: each row of a batch is what it is alone, cut at its own first stop."""
    torch.manual_seed(1)
    model = Decoder(DecoderConfig(byte_level.n_vocab, 40, 2, 32, 2, init_std=0.4)).eval()
    prompts = [byte_level.encode(text) for text in ("He", "Yes, he sat.", "The café", "\n")]
    free = write(model, byte_level, prompts, N_NEW)
    stop = [free[1][3:5], free[2][4:6]]
    cut = [min((text.find(one) for one in stop if one in text), default=len(text)) for text in free]
    assert write(model, byte_level, prompts, N_NEW, stop=stop) == [
        text[:end] for text, end in zip(free, cut, strict=True)
    ]


def test_the_end_of_a_text_ends_what_is_written(byte_level: ByteLevelTokenizer) -> None:
    assert byte_level.end_of_text is not None
    script = [*byte_level.encode("Yes."), byte_level.end_of_text, *byte_level.encode("He")]
    assert written(byte_level, script, []) == "Yes."


def test_an_empty_stop_is_refused(byte_level: ByteLevelTokenizer) -> None:
    with pytest.raises(GptreproError, match="stop at is empty"):
        written(byte_level, byte_level.encode("Yes"), [""])
