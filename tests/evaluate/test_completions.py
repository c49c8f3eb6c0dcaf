"""Scoring completions: against one forward pass a token, and the mistakes that a file can hold."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from gptrepro.errors import GptreproError
from gptrepro.evaluate.completions import read_completions, score_completions
from gptrepro.model import Decoder, DecoderConfig

N_CTX = 12


class Letters:
    """A tokenizer of one token a letter, with or without a token that starts a text."""

    def __init__(self, end_of_text: int | None = 127) -> None:
        self.end_of_text = end_of_text

    def encode_batch(self, texts: list[str]) -> list[list[int]]:
        return [[ord(letter) for letter in text] for text in texts]


def model() -> Decoder:
    torch.manual_seed(3)
    config = DecoderConfig(n_vocab=128, n_ctx=N_CTX, n_layers=1, d_model=16, n_heads=2, init_std=0.5)
    return Decoder(config).eval()


def oracle(before: list[int], completion: list[int]) -> tuple[float, bool]:
    decoder, total, greedy = model(), 0.0, True
    for i, token in enumerate(completion):
        read = (before + completion[:i])[-N_CTX:]
        log_p = decoder(torch.tensor([read]))[0, -1].detach().log_softmax(-1)
        total += float(log_p[token])
        greedy &= int(log_p.argmax()) == token
    return total, greedy


def row(context: str, completion: str) -> dict[str, str]:
    return {"context": context, "completion": completion}


def test_every_row_agrees_with_one_pass_a_token_whatever_the_batch() -> None:
    rows = [row("ab", "cde"), row("the cat", " sat"), row("x", "y"), row("", "abc"), row("abcdefghij", "kl")]
    expected = [
        oracle([ord(c) for c in r["context"]] or [127], [ord(c) for c in r["completion"]]) for r in rows
    ]
    for batch_size in (1, 2, 16):
        scores = score_completions(model(), Letters(), rows, N_CTX, batch_size).rows
        assert [s.log_likelihood for s in scores] == pytest.approx([e[0] for e in expected], rel=1e-4)
        assert [s.n_tokens for s in scores] == [3, 4, 1, 3, 2]


def test_an_exact_match_is_what_greedy_decoding_writes() -> None:
    written = [ord("a"), ord("b")]
    while len(written) < 7:
        written.append(int(model()(torch.tensor([written]))[0, -1].argmax()))
    greedy = "".join(map(chr, written[2:]))
    other = greedy[:-1] + ("q" if greedy[-1] != "q" else "r")
    scores = score_completions(model(), Letters(), [row("ab", greedy), row("ab", other)], N_CTX)
    assert [s.exact_match for s in scores.rows] == [True, False]
    assert scores.accuracy == 0.5
    assert scores.rows[0].log_likelihood > scores.rows[1].log_likelihood
    assert scores.mean_log_likelihood == pytest.approx(5 * scores.log_likelihood_per_token)


def test_white_space_at_the_end_of_the_context_belongs_to_the_completion() -> None:
    one = score_completions(model(), Letters(), [row("the ", "cat")], N_CTX)
    other = score_completions(model(), Letters(), [row("the", " cat")], N_CTX)
    assert one == other
    assert one.rows[0].n_tokens == 4


def test_a_long_context_loses_its_beginning() -> None:
    long = score_completions(model(), Letters(), [row("zzzzzzzz" + "abcdefghij", "klm")], N_CTX)
    assert long == score_completions(model(), Letters(), [row("abcdefghij", "klm")], N_CTX)


def test_the_models_mode_is_left_alone() -> None:
    decoder = model().train()
    score_completions(decoder, Letters(), [row("a", "b")], N_CTX)
    assert decoder.training


@pytest.mark.parametrize(
    ("rows", "tokenizer", "message"),
    [
        ([], Letters(), "no completions"),
        ([row("a", "b"), row("a", "")], Letters(), "Row 2 has an empty completion"),
        ([row("a", "b" * 13)], Letters(), "row 1 has 13 tokens"),
        ([row("", "b")], Letters(None), "Row 1 has an empty context"),
    ],
)
def test_rows_that_cannot_be_scored_are_named(
    rows: list[dict[str, str]], tokenizer: Letters, message: str
) -> None:
    with pytest.raises(GptreproError, match=message):
        score_completions(model(), tokenizer, rows, N_CTX)


def test_rows_are_read_from_json_lines(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text(json.dumps(row("a\u2028", "b") | {"id": 1}) + "\n\n" + json.dumps(row("c", "d")))
    assert read_completions(path) == [row("a\u2028", "b"), row("c", "d")]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "no rows"),
        (b'{"context": "a"}', "Line 1 of"),
        (b'{"context": "a", "completion": "b"}\nnot json', "Line 2 of"),
        (b'{"context": "a", "completion": 3}', "Line 1 of"),
        (b"[1]", "Line 1 of"),
        (b"\xff\xfe", "UTF-8"),
    ],
)
def test_a_file_that_is_no_such_thing_is_explained(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_bytes(content)
    with pytest.raises(GptreproError, match=message):
        read_completions(path)


def test_a_missing_file_is_explained(tmp_path: Path) -> None:
    with pytest.raises(GptreproError, match="cannot be read"):
        read_completions(tmp_path / "absent.jsonl")
