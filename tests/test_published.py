"""The published models are those of the papers' tables, and names are forgiving."""

from __future__ import annotations

import pytest

from gptrepro.claims import load_claims
from gptrepro.errors import GptreproError
from gptrepro.published import GPT1_FINE_TUNING, PUBLISHED, describe, published_model

# Counts: the released checkpoints (GPT-1, GPT-2); Table D.1 in millions (GPT-3).
TABLE_D1_MILLIONS = {
    "gpt3-small": 125,
    "gpt3-medium": 356,
    "gpt3-large": 760,
    "gpt3-xl": 1320,
    "gpt3-2.7b": 2650,
    "gpt3-6.7b": 6660,
    "gpt3-13b": 12850,
    "gpt3-175b": 174600,
}


def test_there_are_thirteen_models_in_the_order_of_the_papers():
    assert len(PUBLISHED) == 13, "state the new model here"
    assert [model.paper for model in PUBLISHED.values()] == ["gpt1"] + ["gpt2"] * 4 + ["gpt3"] * 8
    counted = [name for name, model in PUBLISHED.items() if model.paper == "gpt3"]
    assert counted == list(TABLE_D1_MILLIONS), "give each model of GPT-3 its count, in the order of the table"


@pytest.mark.parametrize(("name", "millions"), TABLE_D1_MILLIONS.items())
def test_gpt3_counts_round_to_table_d1(name, millions):
    """Our readings of the XL and 13B rows are those that Table D.1 supports."""
    count = describe(PUBLISHED[name])["parameters"] / 1e6
    assert count == pytest.approx(millions, rel=0.004)


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_claim_is_about_every_model(name):
    rules = [claim.rule.arguments.get("model", []) for claim in load_claims() if claim.rule]
    named = {each for model in rules for each in ([model] if isinstance(model, str) else model)}
    assert name in named, (
        f"no claim is about {name}: add its row to data/claims, with a rule whose model is {name}"
    )


def test_gpt3_alternates_dense_and_banded():
    decoder = PUBLISHED["gpt3-small"].decoder
    windows = [decoder.window_of(layer) for layer in range(decoder.n_layers)]
    assert windows[::2] == [None] * 6 and all(windows[1::2])


def test_training_compute_is_near_table_d1():
    """Table D.1 counts 6 FLOPs per parameter and token and leaves attention out (under 10%)."""
    for name, flops in (("gpt3-175b", 3.14e23), ("gpt3-small", 2.25e20)):
        ours = describe(PUBLISHED[name])["training_flops"]
        assert 0.95 < ours / flops < 1.25, name


def test_gpt3_reads_300_billion_tokens_its_small_first_batches_included():
    for model in PUBLISHED.values():
        if model.paper == "gpt3":
            settings = model.recipe.settings
            assert 0 <= settings.tokens - 300e9 < settings.batch_size * settings.context, model.name
            assert settings.steps > settings.tokens / (settings.batch_size * settings.context) + 1000


def test_an_unknown_model_lists_near_matches():
    with pytest.raises(GptreproError, match="gpt3-175b"):
        published_model("gpt3-175")


def test_gpt1_fine_tunes_as_its_ledger_row_says():
    (claim,) = (claim for claim in load_claims() if claim.id == "gpt1-ft-hparams")
    settings = GPT1_FINE_TUNING.settings(32_000, context=512, seed=3)
    assert claim.published == {
        "learning_rate": settings.peak_lr,
        "batch": settings.batch_size,
        "epochs": settings.steps / 1000,
        "warmup_fraction": settings.warmup_steps / settings.steps,
        "schedule": settings.schedule,
        "lm_weight": GPT1_FINE_TUNING.lm_weight,
        "classifier_dropout": GPT1_FINE_TUNING.head_dropout,
    }
    assert settings.learning_rate(6, 0) == 6.25e-5 and settings.learning_rate(3, 0) == 6.25e-5 / 2
    assert settings.learning_rate(3000, 0) == 0.0
    assert (settings.seed, settings.weight_decay, settings.clip_norm) == (3, 0.01, 1.0)
