"""GPT-3's data and compute tables, on small tables worked by hand."""

from __future__ import annotations

import dataclasses

import pytest

from gptrepro.claims.arithmetic import gpt3_data
from gptrepro.model.counting import forward_flops_per_token
from gptrepro.published import published_model


def test_epochs_follow_from_weight_and_tokens():
    mixture = [{"corpus": "a", "weight_pct": 50, "tokens_billion": 300, "epochs": 0.5}]
    assert gpt3_data.mixture_epochs(mixture) == {"a": 0.5}
    assert gpt3_data.epochs_of_size(mixture, {"tokens": 150e9}, "a") == 1.0


def test_a_mixture_is_as_far_off_as_it_says():
    mixture = [
        {"corpus": "a", "weight_pct": 50, "tokens_billion": 300, "epochs": 0.6},
        {"corpus": "b", "weight_pct": 49, "tokens_billion": 100, "epochs": 1.47},
    ]
    assert gpt3_data.mixture_off_by(mixture) == {
        "weights_pct": -1,
        "tokens_read_billion": 27.0,
        "a": 0.1,
        "b": 0.0,
    }


def test_attention_is_counted_as_the_library_counts_it():
    """The formula beside the count of every matrix product, on two models of the papers."""
    for name in ("gpt3-small", "gpt3-175b"):
        decoder = published_model(name).decoder
        row = {"layers": decoder.n_layers, "d_model": decoder.d_model}
        found = gpt3_data.attention_shares({name: row}, 2048, decoder.window, decoder.n_vocab, 10)
        for pattern, kinds in (("alternating", decoder.attention), ("dense", ("dense",))):
            config = dataclasses.replace(decoder, attention=kinds)
            full = forward_flops_per_token(config, 2048)
            without = forward_flops_per_token(config, 1) - 4 * decoder.d_model * decoder.n_layers
            share = found[f"largest share, {pattern}, output layer counted"]
            assert share == pytest.approx(100 * (1 - without / full), abs=0.06)
    assert found["gpt3-175b"] is True


def test_compute_columns_notice_a_wrong_row():
    right = {
        "model": "GPT-3",
        "flops_per_param_token": 6,
        "params_million": 1e3,
        "tokens_billion": 1.44,
        "flops": 8.64e18,
        "pf_days": 0.1,
    }
    assert gpt3_data.compute_columns([right]) == {"operations_off_by_pct": 0.0, "days_off_by_pct": 0.0}
    found = gpt3_data.compute_columns([right, right | {"flops": 4.32e18}])
    assert found == {"operations_off_by_pct": 100.0, "days_off_by_pct": 50.0}


def test_changes_are_compared_with_both_bases():
    """From 50 to 40: -20% of all items, -22% of the mean."""
    row = {"benchmark": "a", "all": 50.0, "clean": 40.0}
    assert gpt3_data.overlap_changes([row | {"change_pct": -20}]) == {
        "against_all_items": 0,
        "against_the_mean": 1,
    }
    assert gpt3_data.overlap_changes([row | {"change_pct": -22}])["against_the_mean"] == 0


@pytest.mark.parametrize(("days", "word"), [(3640, "thousands"), (27.5, "tens"), (2.6, "ones")])
def test_magnitudes_have_names(days, word):
    assert gpt3_data.magnitude_of([{"model": "a", "pf_days": days}], "a") == word
