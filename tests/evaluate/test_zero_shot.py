"""Heuristics against direct computation, and the biases that their corrections remove."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.metrics import matthews_corrcoef, roc_auc_score
from torch import Tensor, nn

from gptrepro.evaluate.zero_shot import (
    BLANK,
    Paragraphs,
    Reader,
    acceptability,
    accuracy,
    auc,
    best_threshold,
    choices,
    last_words,
    referents,
    sentiment,
)
from gptrepro.model import Decoder, DecoderConfig

N_CTX = 48
START = 127


class Letters:
    """A tokenizer of one token a letter, without a token that starts a text; it counts what it encodes."""

    end_of_text = None

    def __init__(self) -> None:
        self.encoded: list[str] = []

    def encode_batch(self, texts: list[str]) -> list[list[int]]:
        self.encoded += texts
        return [[ord(letter) for letter in text] for text in texts]


class Frequencies(nn.Module):
    """A model that always predicts the same distribution, whatever came before."""

    def __init__(self, log_p: Tensor) -> None:
        super().__init__()
        self.log_p = nn.Parameter(log_p)

    def forward(self, ids: Tensor) -> Tensor:
        return self.log_p.expand(*ids.shape, -1)


def reader(model: nn.Module | None = None) -> Reader:
    if model is None:
        torch.manual_seed(3)
        config = DecoderConfig(n_vocab=128, n_ctx=N_CTX, n_layers=1, d_model=16, n_heads=2, init_std=0.5)
        model = Decoder(config).eval()
    return Reader(model, Paragraphs(Letters(), START), N_CTX)


def log_p(before: str, text: str) -> list[float]:
    """Log-probability of each letter of ``text``, from one pass a letter."""
    read = [ord(letter) for letter in before] or [START]
    found = []
    for letter in text:
        logits = reader().model(torch.tensor([read[-N_CTX:]]))[0, -1]
        found.append(float(logits.detach().log_softmax(-1)[ord(letter)]))
        read.append(ord(letter))
    return found


def test_a_sentence_scores_the_mean_over_all_its_tokens_from_a_line_end_on() -> None:
    found = acceptability(reader(), ["the cat sat", "a"])
    assert found == pytest.approx([np.mean(log_p("", "the cat sat")), np.mean(log_p("", "a"))], rel=1e-4)


def test_sentiment_compares_what_follows_very() -> None:
    found = sentiment(reader(), ["so it goes"], words=("bad", "good"))
    plain = [sum(log_p("so it goes very", f" {word}")) for word in ("bad", "good")]
    alone = [sum(log_p("very", f" {word}")) for word in ("bad", "good")]
    assert found.plain[0] == pytest.approx(plain, rel=1e-4)
    assert found.corrected[0] == pytest.approx(np.subtract(plain, alone), rel=1e-3, abs=1e-4)


def test_an_answer_is_scored_after_its_context_a_token_and_less_what_it_costs_alone() -> None:
    answers = [("to", "far away"), ("x", "y")]
    found = choices(reader(), ["we go", "so"], answers)
    for i, context in enumerate(("we go", "so")):
        for j, answer in enumerate(answers[i]):
            after, alone = log_p(context, f" {answer}"), log_p("", answer)
            assert found.plain[i, j] == pytest.approx(np.mean(after), rel=1e-4)
            assert found.corrected[i, j] == pytest.approx(sum(after) - sum(alone), rel=1e-3, abs=1e-3)


def test_a_referent_takes_the_place_of_the_pronoun_and_what_follows_is_scored() -> None:
    found = referents(reader(), [f"it broke as {BLANK}  was old."], [("ice", "the door")])
    expected = [np.mean(log_p(f"it broke as {name}", " was old.")) for name in ("ice", "the door")]
    assert found[0] == pytest.approx(expected, rel=1e-4)


def test_the_last_word_is_scored_after_the_rest() -> None:
    found = last_words(reader(), ["one two three", "a\nb"])
    expected = [sum(log_p("one two", " three")), sum(log_p("a", " b"))]
    assert [row.log_likelihood for row in found.rows] == pytest.approx(expected, rel=1e-4)


def test_the_correction_takes_away_the_advantage_of_short_and_of_frequent_words() -> None:
    """A model that knows nothing of the text prefers the shorter word, and of equally long ones the more
    frequent; corrected, it prefers none."""
    log_p = torch.zeros(128)
    log_p[ord("e")] = 3.0
    knows_nothing = reader(Frequencies(log_p.log_softmax(-1)))
    short = sentiment(knows_nothing, ["well", "a film"], words=("aaaaaa", "aa"))
    assert (short.plain[:, 1] > short.plain[:, 0]).all()
    assert short.corrected == pytest.approx(np.zeros((2, 2)), abs=1e-4)
    frequent = choices(knows_nothing, ["well", "now"], [("aaa", "eee")] * 2)
    assert (frequent.plain[:, 1] > frequent.plain[:, 0]).all()
    # What is left is the space that joins an answer to its context: the same for both.
    assert frequent.corrected[:, 0] == pytest.approx(frequent.corrected[:, 1], abs=1e-4)


def test_a_text_is_encoded_once_however_often_it_is_read() -> None:
    letters = Letters()
    texts = Paragraphs(letters, START)
    assert texts.encode_batch(["ab", "c", "ab"]) == texts.encode_batch(["ab", "c", "ab"])
    assert letters.encoded == ["ab", "c"] and texts.end_of_text == START


def test_scores_are_those_of_scikit_learn() -> None:
    random = np.random.default_rng(0)
    right = random.integers(0, 2, 200)
    scores = random.normal(size=200) + right
    assert auc(right, scores) == pytest.approx(roc_auc_score(right, scores))
    assert auc(right, -scores) == pytest.approx(1 - auc(right, scores))
    assert accuracy([0, 1, 1], np.array([[2.0, 1.0], [2.0, 1.0], [0.0, 1.0]])) == pytest.approx(2 / 3)


@pytest.mark.parametrize("seed", range(5))
def test_no_other_threshold_has_a_higher_correlation(seed: int) -> None:
    random = np.random.default_rng(seed)
    right = random.integers(0, 2, 80)
    scores = np.round(random.normal(size=80) + right, 1)  # with ties
    found = matthews_corrcoef(right, scores >= best_threshold(right, scores))
    assert found == pytest.approx(max(matthews_corrcoef(right, scores >= t) for t in np.unique(scores)))
