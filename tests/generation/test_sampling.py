"""Greedy and sampled continuations, what they may choose from, and where they stop."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from gptrepro.errors import GptreproError
from gptrepro.generation.sampling import generate, keep_top_k, keep_top_p, next_tokens
from gptrepro.model import Decoder
from tests.model.small import small_decoder

KINDS: list[dict[str, Any]] = [
    {"norm": "post"},
    {"norm": "pre"},
    {"norm": "pre", "attention": ("dense", "banded"), "window": 5},
]
kinds = pytest.mark.parametrize("changes", KINDS, ids=["gpt1", "gpt2", "gpt3"])
PROMPTS = [[3, 1, 4], [1, 5, 9, 2, 6, 5, 3, 5, 8, 9, 7, 9], [3], [2, 3, 8, 4, 6]]


def greedy_uncached(model: Decoder, prompt: list[int], count: int) -> list[int]:
    """The whole sequence again for every token."""
    ids = list(prompt)
    for _ in range(count):
        with torch.no_grad():
            ids.append(int(model(torch.tensor([ids]))[0, -1].argmax()))
    return ids[len(prompt) :]


def greedy_sliding(model: Decoder, prompt: list[int], count: int, context: int) -> list[int]:
    """The newest tokens again for every token: the newest half where they exceed the context."""
    seen, new = list(prompt), []
    for _ in range(count):
        if len(seen) > context:
            seen = seen[-(context // 2) :]
        with torch.no_grad():
            new.append(int(model(torch.tensor([seen]))[0, -1].argmax()))
        seen.append(new[-1])
    return new


@kinds
@pytest.mark.parametrize("length", [3, 15, 16, 17, 40])
def test_beyond_the_context_the_window_slides(changes: dict[str, Any], length: int) -> None:
    model = small_decoder(**changes)
    prompt = [(7 * i) % 11 for i in range(length)]
    assert generate(model, [prompt], 40, context=16)[0] == greedy_sliding(model, prompt, 40, 16)
    (one, two) = generate(model, [prompt, prompt], 40, context=16)
    assert one == two


@kinds
def test_greedy_tokens_are_those_of_the_uncached_model(changes: dict[str, Any]) -> None:
    model = small_decoder(**changes)
    expected = [greedy_uncached(model, prompt, 50) for prompt in PROMPTS]
    assert [generate(model, [prompt], 50)[0] for prompt in PROMPTS] == expected
    assert generate(model, PROMPTS, 50) == expected, "prompts of a batch influence one another"
    assert len({tuple(tokens) for tokens in expected}) > 2


def test_top_k_1_and_a_tiny_nucleus_and_temperature_are_greedy() -> None:
    model = small_decoder(norm="pre")
    greedy = generate(model, PROMPTS, 20)
    assert generate(model, PROMPTS, 20, temperature=1.0, top_k=1) == greedy
    assert generate(model, PROMPTS, 20, temperature=1.0, top_p=1e-9) == greedy
    assert generate(model, PROMPTS, 20, temperature=1e-6) == greedy
    assert generate(model, PROMPTS, 20, temperature=1e-40) == greedy


def test_the_seed_decides_the_sample_of_each_row_alone() -> None:
    """Its place gives a row its own draws, so that equal prompts go on differently; its neighbours do not."""
    model = small_decoder(norm="pre")
    choices: dict[str, Any] = {"temperature": 1.0, "top_k": 40, "top_p": 0.95}
    together = generate(model, PROMPTS, 20, seed=7, **choices)
    alone = [generate(model, [prompt], 20, seed=7 + i, **choices)[0] for i, prompt in enumerate(PROMPTS)]
    assert together == alone
    assert generate(model, PROMPTS[:2] + PROMPTS[:2], 20, seed=7, **choices)[:2] == together[:2]
    first, second = generate(model, PROMPTS[:1] * 2, 20, seed=7, **choices)
    assert first == together[0] != second


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.0])
def test_samples_follow_the_tempered_distribution(temperature: float) -> None:
    logits = torch.tensor([[2.0, 1.0, 0.0, -1.0]])
    one = torch.Generator().manual_seed(0)
    drawn = next_tokens(logits.expand(5_000, 4), temperature, generators=[one] * 5_000)
    frequencies = drawn.bincount(minlength=4) / 5_000
    torch.testing.assert_close(frequencies, (logits[0] / temperature).softmax(-1), atol=0.025, rtol=0)


logit_rows = st.lists(st.integers(-400, 400), min_size=2, max_size=12, unique=True).map(
    lambda row: torch.tensor([[value / 100 for value in row]], dtype=torch.float64)
)


@settings(deadline=None)
@given(logits=logit_rows, k=st.integers(1, 15))
def test_top_k_keeps_the_k_likeliest(logits: torch.Tensor, k: int) -> None:
    kept = keep_top_k(logits, k).isfinite()[0]
    order = logits[0].argsort(descending=True)
    assert kept.nonzero()[:, 0].tolist() == sorted(order[:k].tolist())


@settings(deadline=None)
@given(logits=logit_rows, p=st.floats(0.01, 1.0))
def test_top_p_keeps_the_fewest_likeliest_that_reach_p(logits: torch.Tensor, p: float) -> None:
    probabilities = logits.softmax(-1)[0].tolist()
    order = sorted(range(len(probabilities)), key=lambda token: -probabilities[token])
    nucleus, mass = [], 0.0
    for token in order:
        if nucleus and mass >= p - 1e-12:
            break
        nucleus.append(token)
        mass += probabilities[token]
    kept = keep_top_p(logits, p)
    assert kept.isfinite()[0].nonzero()[:, 0].tolist() == sorted(nucleus)
    assert torch.equal(kept[kept.isfinite()], logits[kept.isfinite()])


@pytest.mark.parametrize("n_vocab", [10, 1000, 50_257])
def test_a_nucleus_of_everything_rules_nothing_out(n_vocab: int) -> None:
    """In float32 the likeliest of many tokens sum to one before the last are reached."""
    logits = torch.randn(2, n_vocab, generator=torch.Generator().manual_seed(n_vocab)) * 8
    assert torch.equal(keep_top_p(logits, 1.0), logits)
    for p in (0.9, 0.999999):
        kept = keep_top_p(logits, p).double().softmax(-1)
        probabilities = logits.double().softmax(-1)
        assert ((kept > 0) * probabilities).sum(-1).min() >= p
        least = torch.where(kept > 0, probabilities, 1.0).amin(-1)
        assert ((kept > 0) * probabilities).sum(-1).sub(least).max() < p  # the fewest that reach it


def test_a_stop_sequence_ends_its_row_only_and_is_left_out() -> None:
    model = small_decoder(norm="pre")
    free = generate(model, PROMPTS, 40)
    stop = free[1][10:12]  # two tokens of the second row
    stopped = generate(model, PROMPTS, 40, stop=[stop])
    for row, tokens in zip(stopped, free, strict=True):
        starts = [start for start in range(39) if tokens[start : start + 2] == stop]
        assert row == tokens[: starts[0] if starts else None]
    assert len(stopped[1]) <= 10


def test_the_first_of_several_stop_sequences_counts() -> None:
    model = small_decoder(norm="pre")
    free = generate(model, PROMPTS[:1], 40)[0]
    first = next(i for i in range(1, 40) if free[i] not in free[:i])
    later = next(i for i in range(first + 1, 40) if free[i] not in free[:i])
    assert generate(model, PROMPTS[:1], 40, stop=[[free[later]], [free[first]]])[0] == free[:first]


def test_no_new_tokens_are_an_empty_continuation() -> None:
    assert generate(small_decoder(), PROMPTS, 0) == [[], [], [], []]


def test_dropout_is_off_and_the_mode_returns() -> None:
    model = small_decoder(norm="pre", dropout=0.5)
    expected = generate(model, PROMPTS, 10)
    model.train()
    assert generate(model, PROMPTS, 10) == expected
    assert model.training


@pytest.mark.parametrize("setting", [{"temperature": -1.0}, {"top_k": 0}, {"top_p": 0.0}, {"top_p": 1.5}])
def test_senseless_settings_are_refused(setting: dict[str, Any]) -> None:
    with pytest.raises(GptreproError, match="Sampling needs"):
        generate(small_decoder(), PROMPTS, 5, **setting)


@pytest.mark.parametrize(("count", "seed"), [(-1, 0), (-5, 0), (5, 2**63), (5, 2**64), (5, -1)])
def test_counts_and_seeds_that_nothing_can_use_are_refused(count: int, seed: int) -> None:
    with pytest.raises(GptreproError, match="a seed is 0 or more and below"):
        generate(small_decoder(), PROMPTS, count, seed=seed)


@pytest.mark.parametrize("value", [torch.nan, 3e38])
def test_scores_that_are_no_numbers_choose_no_token(value: float) -> None:
    """Weights that are finite may still overflow on the way; the likeliest of NaN would be token 0."""
    model = small_decoder()
    with torch.no_grad():
        model.wte.weight.fill_(value)
    with pytest.raises(GptreproError, match="scores are infinite or NaN"):
        generate(model, [[1, 2]], 3)


@pytest.mark.parametrize("temperature", [-1.0, torch.nan, torch.inf])
def test_a_temperature_that_is_none_is_refused(temperature: float) -> None:
    with pytest.raises(GptreproError, match="temperature >= 0"):
        generate(small_decoder(), [[1]], 1, temperature=temperature)
