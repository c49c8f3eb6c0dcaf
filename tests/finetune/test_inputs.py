"""The four forms of input, and what is cut when a row does not fit."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from gptrepro.errors import GptreproError
from gptrepro.finetune.inputs import FILLER, SpecialTokens, collate, encode, sequences_of
from gptrepro.tasks.labelled import Example
from tests.finetune.toy import TOY, Words

S, D, E = SPECIAL = SpecialTokens.after(50)
TEXT = st.lists(st.integers(0, 49), min_size=1, max_size=60)


def test_the_special_tokens_follow_the_vocabulary() -> None:
    assert SpecialTokens.after(40_478) == (40_478, 40_479, 40_480)


def test_the_four_forms_of_figure_1() -> None:
    def sequences(*arguments: object) -> list[list[int]]:
        return sequences_of(*arguments, SPECIAL, 20)  # type: ignore[arg-type]

    assert sequences("classification", [[1, 2]], []) == [[S, 1, 2, E]]
    assert sequences("entailment", [[1, 2], [3]], []) == [[S, 1, 2, D, 3, E]]
    assert sequences("similarity", [[1, 2], [3]], []) == [[S, 1, 2, D, 3, E], [S, 3, D, 1, 2, E]]
    assert sequences("multiple choice", [[1, 2]], [[3], [4, 5], [6]]) == [
        [S, 1, 2, D, 3, E],
        [S, 1, 2, D, 4, 5, E],
        [S, 1, 2, D, 6, E],
    ]


def test_what_does_not_fit_is_cut_by_the_stated_rule() -> None:
    long, short = list(range(30)), [40, 41]
    assert sequences_of("classification", [long], [], SPECIAL, 8) == [[S, 0, 1, 2, 3, 4, 5, E]]
    assert sequences_of("entailment", [long, short], [], SPECIAL, 9) == [[S, 0, 1, 2, 3, D, 40, 41, E]]
    assert sequences_of("entailment", [short, long], [], SPECIAL, 9) == [[S, 40, 41, D, 0, 1, 2, 3, E]]
    assert sequences_of("entailment", [long, long], [], SPECIAL, 9) == [[S, 0, 1, 2, D, 0, 1, 2, E]]
    # the question at the end of the context stays, and is the same for both answers
    assert sequences_of("multiple choice", [long], [[40], [40, 41]], SPECIAL, 8) == [
        [S, 27, 28, 29, D, 40, E],
        [S, 27, 28, 29, D, 40, 41, E],
    ]


@given(
    kind=st.sampled_from(["classification", "entailment", "similarity", "multiple choice"]),
    texts=st.tuples(TEXT, TEXT),
    answers=st.lists(TEXT, min_size=2, max_size=4),
    context=st.integers(5, 70),
)
def test_every_sequence_fits_and_keeps_its_special_tokens(
    kind: str, texts: tuple[list[int], list[int]], answers: list[list[int]], context: int
) -> None:
    pair = kind in ("entailment", "similarity")
    answers = answers if kind == "multiple choice" else []
    sequences = sequences_of(kind, texts[: 1 + pair], answers, SPECIAL, context)  # type: ignore[arg-type]
    assert len(sequences) == {"similarity": 2, "multiple choice": len(answers)}.get(kind, 1)
    for sequence in sequences:
        assert len(sequence) <= context
        expected = [S, E] if kind == "classification" else [S, D, E]
        assert [i for i in sequence if i >= 50] == expected
        assert (sequence[0], sequence[-1]) == (S, E)
        if kind != "classification":
            assert sequence[1] != D and sequence[-2] != D, "a text was lost altogether"
    if pair and sum(map(len, texts)) + 3 <= context:
        assert sequences[0] == [S, *texts[0], D, *texts[1], E]


def test_similarity_reads_the_same_two_sequences_whichever_text_comes_first() -> None:
    first, second = list(range(20)), list(range(20, 45))
    for context in range(5, 50):
        one = sequences_of("similarity", [first, second], [], SPECIAL, context)
        other = sequences_of("similarity", [second, first], [], SPECIAL, context)
        assert one == other[::-1]


def test_a_context_without_room_is_refused() -> None:
    with pytest.raises(GptreproError, match="no room for two texts: use at least 5"):
        sequences_of("entailment", [[1], [2]], [], SPECIAL, 4)


def test_examples_become_batches() -> None:
    examples = [Example(("w1 w2 w3", "w4"), 2.5), Example(("w5", "w6"), 4.0)]
    ids, labels = collate(encode(TOY["score"], examples, Words(), SPECIAL, 20))
    assert ids.shape == (2, 2, 7) and ids.dtype == torch.int64
    assert ids[1].tolist() == [[S, 5, D, 6, E, FILLER, FILLER], [S, 6, D, 5, E, FILLER, FILLER]]
    assert labels.tolist() == [2.5, 4.0] and labels.dtype == torch.float32
    choice = encode(TOY["choice"], [Example(("w1",), 2, ("w2", "w3", "w4"))], Words(), SPECIAL, 20)
    ids, labels = collate(choice)
    assert ids.shape == (1, 3, 5) and labels.tolist() == [2] and labels.dtype == torch.int64
