"""Kneser-Ney over arrays against its definition over dictionaries, and against what every model must do."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from functools import cache

import numpy as np
import pytest
from nltk.lm import KneserNeyInterpolated
from nltk.util import everygrams

from gptrepro.earlier import kneser_ney
from gptrepro.earlier.kneser_ney import FALLBACK_DISCOUNTS, KneserNey
from gptrepro.errors import GptreproError

VOCABULARY = 7


def text(n: int, seed: int = 0) -> np.ndarray:
    """Tokens that depend on the one before, frequent and rare ones among them."""
    generator = np.random.default_rng(seed)
    chain = generator.dirichlet(np.full(VOCABULARY, 0.4), size=VOCABULARY)
    tokens = [0]
    while len(tokens) < n:
        tokens.append(int(generator.choice(VOCABULARY, p=chain[tokens[-1]])))
    return np.array(tokens)


def by_definition(windows: np.ndarray, order: int):
    """p(token | history) after Chen and Goodman, one n-gram at a time."""
    counts = {
        order: Counter(
            tuple(row[i : i + order]) for row in windows.tolist() for i in range(len(row) - order + 1)
        )
    }
    for length in range(order - 1, 0, -1):
        before = defaultdict(set)
        for gram in counts[length + 1]:
            before[gram[1:]].add(gram[0])
        counts[length] = Counter({gram: len(tokens) for gram, tokens in before.items()})

    @cache
    def estimates(length: int) -> tuple[float, ...]:
        n = [sum(c == k for c in counts[length].values()) for k in range(5)]
        if 0 in n[1:]:
            return FALLBACK_DISCOUNTS
        y = n[1] / (n[1] + 2 * n[2])
        found = tuple(k - (k + 1) * y * n[k + 1] / n[k] for k in (1, 2, 3))
        return found if all(0 < d < k for k, d in zip((1, 2, 3), found, strict=True)) else FALLBACK_DISCOUNTS

    def discount(count: int, length: int) -> float:
        return estimates(length)[min(count, 3) - 1] if count else 0.0

    def probability(token: int, history: tuple[int, ...]) -> float:
        length = len(history) + 1
        shorter = probability(token, history[1:]) if history else 1 / VOCABULARY
        continued = {gram: c for gram, c in counts[length].items() if gram[:-1] == history}
        total = sum(continued.values())
        if total == 0:
            return shorter
        count = counts[length][(*history, token)]
        reserved = sum(discount(c, length) for c in continued.values())
        return (count - discount(count, length) + reserved * shorter) / total

    return probability


@pytest.mark.parametrize("order", [1, 2, 3, 4])
@pytest.mark.parametrize("n", [60, 600])
def test_it_is_the_definition(order, n):
    windows, unseen = text(n).reshape(-1, 20), text(80, seed=1)
    probability = by_definition(windows, order)
    nll = KneserNey(windows, VOCABULARY, order).nll(unseen)
    assert nll.shape == (79,)
    for place in range(1, 80):
        history = tuple(unseen[max(0, place - order + 1) : place].tolist())
        assert nll[place - 1] == pytest.approx(-math.log(probability(int(unseen[place]), history)), rel=1e-9)


@pytest.mark.parametrize("order", [2, 3])
def test_with_one_discount_it_is_the_model_of_nltk(monkeypatch, order):
    """NLTK takes the same off every count, nothing off single tokens, and shares nothing with unseen ones."""
    discount, n_vocab = 0.3, 6
    tokens = np.random.default_rng(1).integers(0, n_vocab, 60)
    tokens = np.concatenate([tokens, tokens[: order + 1]])  # every history has something before it

    def one_discount(counts):
        return np.array([0.0, *[0.0 if len(counts) <= n_vocab else discount] * 3])

    monkeypatch.setattr(kneser_ney, "_discounts", one_discount)
    ours = KneserNey(tokens[None], n_vocab, order)
    words = [str(token) for token in tokens]
    theirs = KneserNeyInterpolated(order, discount=discount)
    theirs.fit([list(everygrams(words, max_len=order))], vocabulary_text=words)
    asked = np.random.default_rng(2).integers(0, n_vocab, 40)
    found = ours.nll(asked)[order - 2 :]
    expected = [
        -np.log(theirs.score(str(asked[i]), [str(token) for token in asked[i - order + 1 : i]]))
        for i in range(order - 1, len(asked))
    ]
    assert found == pytest.approx(expected, rel=1e-9)


def test_discounts_are_estimated_where_the_text_allows():
    discounts = kneser_ney._discounts(np.repeat([1, 2, 3, 4, 9], [50, 20, 10, 6, 30]))
    y = 50 / 90
    assert discounts == pytest.approx([0, 1 - 2 * y * 20 / 50, 2 - 3 * y * 10 / 20, 3 - 4 * y * 6 / 10])


def test_after_any_history_the_probabilities_add_up_to_one():
    model = KneserNey(text(300).reshape(-1, 20), VOCABULARY, 3)
    for history in ([1, 2], [6, 6], [0, 3]):
        nll = [model.nll(np.array([*history, token]))[-1] for token in range(VOCABULARY)]
        assert sum(np.exp(-np.array(nll))) == pytest.approx(1.0)


def test_a_token_that_follows_one_token_only_is_a_poor_guess_elsewhere():
    """Francisco (3) is as frequent as any token but always after San (2)."""
    windows = np.array([[0, 2, 3, 1, 2, 3, 0, 2, 3, 1, 0, 4, 1, 5, 0, 5, 4, 4, 1, 4]])
    model = KneserNey(windows, VOCABULARY, 2)
    after_an_unseen_token = [model.nll(np.array([6, token]))[0] for token in (3, 4)]
    assert after_an_unseen_token[0] > after_an_unseen_token[1]


def test_windows_are_counted_apart():
    joined = np.array([[0, 1, 2, 3]])
    apart = joined.reshape(2, 2)  # never 1 then 2
    pair = np.array([1, 2])
    assert KneserNey(apart, VOCABULARY, 2).nll(pair) > KneserNey(joined, VOCABULARY, 2).nll(pair)
    assert KneserNey(joined, VOCABULARY, 2).n_counts == 3 + 3  # pairs, and tokens that follow one


@pytest.mark.parametrize(("order", "n_vocab"), [(0, 7), (21, 7), (6, 2**16)])
def test_orders_that_cannot_be_counted_are_refused(order, n_vocab):
    with pytest.raises(GptreproError, match="choose an order"):
        KneserNey(text(60).reshape(-1, 20), n_vocab, order)
