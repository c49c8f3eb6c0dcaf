"""Training on running text: one tokenizer for both splits, sizes and settings as stated."""

from __future__ import annotations

from fractions import Fraction

import pytest

from gptrepro.evaluate.perplexity import evaluate_perplexity
from gptrepro.experiments.prepare import Sample, trained_tokenizer
from gptrepro.experiments.text_training import TextTrainingConfig, score, tokenized
from gptrepro.sources.corpora import load_corpus
from tests.model.small import small_decoder

CONFIG = TextTrainingConfig(
    corpus="plays",
    corpus_tokens=2000,
    tokenizer_documents=1,
    n_vocab=300,
    n_ctx=8,
    n_layers=1,
    d_model=16,
    n_heads=2,
    init_std=0.1,
    tokens=1001,
    batch_size=5,
    warmup_updates=3,
    weight_decay=0.01,
    heldout_tokens=None,
)


def test_both_splits_are_encoded_by_a_tokenizer_of_the_training_text(tmp_path):
    text = tokenized("gpt2", CONFIG, tmp_path)
    own = trained_tokenizer("gpt2", load_corpus("plays"), 300, tmp_path, documents=1)
    assert text.tokenizer == own.digest == text.train.index.tokenizer_digest
    assert text.heldout.index.tokenizer_digest == own.digest
    assert (text.train.index.split, text.heldout.index.split) == ("train", "heldout")
    assert max(text.train.n_tokens, text.heldout.n_tokens) <= 2000


def test_part_of_the_heldout_text_is_scored(tmp_path):
    text = tokenized("gpt2", CONFIG.model_copy(update={"heldout_tokens": 500}), tmp_path)
    assert isinstance(text.heldout, Sample) and text.heldout.n_tokens == 500


def test_tokens_are_rounded_up_to_whole_updates():
    assert CONFIG.updates == 26  # of 40 tokens
    assert [CONFIG.milestone(Fraction(1, n)) for n in (1, 2, 100)] == [26, 13, 1]
    assert CONFIG.budget(CONFIG.sized()).tokens == 1040


def test_a_decoder_has_the_stated_size_and_whatever_else_is_asked_for():
    decoder = CONFIG.sized(norm="pre", residual_init="scaled", n_ctx=16)
    assert (decoder.n_vocab, decoder.n_layers, decoder.d_model, decoder.init_std) == (300, 1, 16, 0.1)
    assert (decoder.norm, decoder.n_ctx) == ("pre", 16)


def test_the_settings_are_those_of_the_configuration():
    settings = CONFIG.trained_at(0.5, 7, (Fraction(1, 2), Fraction(1)))
    assert (settings.steps, settings.context, settings.batch_size) == (26, 8, 5)
    assert (settings.peak_lr, settings.seed, settings.evaluate_at) == (0.5, 7, (13, 26))


def test_a_score_does_not_depend_on_how_much_is_read_at_once(tmp_path):
    text = tokenized("gpt2", CONFIG.model_copy(update={"heldout_tokens": 500}), tmp_path).heldout
    model = small_decoder(n_vocab=300)
    alone = evaluate_perplexity(model, text, 8, batch_size=1)
    assert score(model, text, 8).bits_per_byte == pytest.approx(alone.bits_per_byte, rel=1e-5)
