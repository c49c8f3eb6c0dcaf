"""Beam search against all continuations there are."""

from __future__ import annotations

from itertools import product

import pytest
import torch

from gptrepro.errors import GptreproError
from gptrepro.generation.beam import beam_search
from gptrepro.generation.sampling import generate
from gptrepro.model import Decoder
from tests.model.small import small_decoder

STOP = 4


def best_of_all(model: Decoder, prompt: list[int], longest: int, length_penalty: float) -> list[int]:
    """The best finished or full-length continuation, by brute force."""
    all_tokens = list(product(range(model.config.n_vocab), repeat=longest))
    ids = torch.tensor([[*prompt, *tokens] for tokens in all_tokens])
    log_p = model(ids)[:, len(prompt) - 1 : -1].log_softmax(-1)  # (n_vocab ** longest, longest, n_vocab)
    steps = log_p.gather(2, ids[:, len(prompt) :, None])[:, :, 0].tolist()
    found: dict[tuple[int, ...], float] = {}
    for tokens, log_likelihoods in zip(all_tokens, steps, strict=True):
        end = tokens.index(STOP) + 1 if STOP in tokens else longest
        found[tokens[:end]] = sum(log_likelihoods[:end]) / ((5 + end) / 6) ** length_penalty
    best = max(found, key=lambda tokens: found[tokens])
    return [token for token in best if token != STOP]


@pytest.mark.parametrize("length_penalty", [0.0, 0.6, 3.0])
def test_enough_beams_find_the_best_of_all(length_penalty: float) -> None:
    prompts = [[1], [2, 0, 3]]
    for seed in range(3):
        model = small_decoder(seed=seed, n_vocab=5, n_layers=2, norm="pre")
        with torch.no_grad():
            expected = [best_of_all(model, prompt, 4, length_penalty) for prompt in prompts]
        found = beam_search(model, prompts, 4, n_beams=125, length_penalty=length_penalty, stop=[[STOP]])
        assert found == expected


def test_one_beam_is_greedy() -> None:
    model = small_decoder(norm="pre", attention=("dense", "banded"), window=5)
    prompts = [[3, 1, 4], [1, 5, 9, 2, 6, 5, 3], [2]]
    assert beam_search(model, prompts, 20, n_beams=1) == generate(model, prompts, 20)


def test_prompts_of_a_batch_do_not_influence_one_another() -> None:
    model = small_decoder(norm="pre", attention=("dense", "banded"), window=5)
    prompts = [[3, 1, 4], [1, 5, 9, 2, 6, 5, 3], [2]]
    alone = [beam_search(model, [prompt], 20, stop=[[7], [8, 9]])[0] for prompt in prompts]
    assert beam_search(model, prompts, 20, stop=[[7], [8, 9]]) == alone


def test_more_beams_find_what_greedy_misses() -> None:
    gains = []
    for seed in range(5):
        model = small_decoder(seed=seed, norm="pre")
        with torch.no_grad():
            likelihoods = []
            for n_beams in (1, 8):
                tokens = beam_search(model, [[1, 2]], 10, n_beams=n_beams)[0]
                log_p = model(torch.tensor([[1, 2, *tokens]]))[0, 1:-1].log_softmax(-1)
                likelihoods.append(float(log_p[range(10), tokens].sum()))
        gains.append(likelihoods[1] - likelihoods[0])
    assert min(gains) >= -1e-5
    assert max(gains) > 0.1


def test_senseless_settings_are_refused() -> None:
    with pytest.raises(GptreproError, match="Beam search needs"):
        beam_search(small_decoder(), [[1]], 5, n_beams=0)
