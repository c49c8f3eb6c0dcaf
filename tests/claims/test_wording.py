"""Values as short text."""

from __future__ import annotations

import pytest

from gptrepro.claims.wording import compact, one_of, place, with_unit


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"heads": 12, "d_head": 64}, "heads: 12, width of a head: 64"),
        ({"warmup_updates": 2000, "flagged_pct": 45}, "warmup updates: 2,000, flagged: 45%"),
        ({"alpha_N": 0.076, "N_c": 8.8e13}, "alpha_N: 0.076, N_c: 88,000,000,000,000"),
        ({"small": {"fits": True, "share_pct": 8.6}, "xl": 1}, "small (fits: yes, share: 8.6%), XL: 1"),
        (
            {"gpt2-124m": 1, "LAMBADA_ppl": 2, "en_fr": 3},
            "GPT-2 124M: 1, LAMBADA perplexity: 2, English to French: 3",
        ),
        (116534784, "116,534,784"),
        (174.6e9, "174,600,000,000"),
        (True, "yes"),
        (1e-05, "0.00001"),
        (8.64e19, "8.64e+19"),
        ([], "none"),
        ([1, 2.5], "1, 2.5"),
        (None, ""),
    ],
)
def test_values_are_short(value, text):
    assert compact(value) == text


def test_a_percent_sign_follows_without_a_space():
    assert with_unit("59.1", "% accuracy") == "59.1% accuracy"
    assert with_unit("12", "blocks") == "12 blocks"
    assert with_unit("", "blocks") == "" and with_unit("12", None) == "12"


@pytest.mark.parametrize(
    ("coordinate", "value", "text"),
    [
        ("arm", "full", "pre-trained"),
        ("arm", "second_only", "second only"),
        ("rows", 2000.0, "2,000 rows"),
        ("layers", 1, "1 layer"),
        ("layers", 0.0, "embeddings alone"),
        ("fraction", 1 / 64, "after 1/64 of the training"),
        ("fraction", 1.0, "at its end"),
        ("fraction", 0.0, "untrained"),
    ],
)
def test_a_place_has_its_label_or_what_the_coordinate_says(coordinate, value, text):
    assert (
        place(coordinate, value, {"arm": {"full": "pre-trained"}, "layers": {0: "embeddings alone"}}) == text
    )


def test_a_slope_is_a_step_of_its_coordinate():
    assert one_of("letters") == "letter"
