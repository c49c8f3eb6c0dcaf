"""Every field of every configuration is checked by type, and by the value that a slip would give it."""

from __future__ import annotations

import dataclasses
import math
from typing import Any, Literal, get_args, get_origin, get_type_hints

import pytest

from gptrepro.earlier.seq2seq import RecurrentConfig, TransformerConfig
from gptrepro.errors import GptreproError
from gptrepro.model import DecoderConfig
from gptrepro.model.config import LSTMConfig
from gptrepro.published import GPT1_FINE_TUNING
from gptrepro.train.settings import TrainSettings

GOOD: tuple[Any, ...] = (
    DecoderConfig(50, 16, 3, 32, 4),
    LSTMConfig(50, 16, 32, 24),
    RecurrentConfig(9, 9, 4, 4, 4, True),
    TransformerConfig(9, 9, 1, 4, 2, 8),
    TrainSettings(steps=9, batch_size=2, context=8, peak_lr=1e-3),
    GPT1_FINE_TUNING,
)
SLIPS = (
    math.nan,
    math.inf,
    -math.inf,
    10**400,
    "64",
    64.0,
    3,
    True,
    "rms",
    None,
    [64],
    ["dense"],
    {},
    (1.5,),
)
FIELDS = [(good, field.name) for good in GOOD for field in dataclasses.fields(good)]


def fits(value: Any, hint: Any) -> bool:
    """Whether a value may stand in a field, said once more by the plainest means."""
    if get_origin(hint) is Literal:
        return any(value is choice or (type(value) is str and value == choice) for choice in get_args(hint))
    if get_origin(hint) is tuple:
        return type(value) is tuple and all(fits(part, get_args(hint)[0]) for part in value)
    if get_args(hint):
        return any(fits(value, part) for part in get_args(hint))
    if hint is float:
        return type(value) in (int, float) and abs(value) < 1e300 and not math.isnan(value)
    return type(value) is hint


@pytest.mark.parametrize(("good", "name"), FIELDS, ids=lambda value: value if isinstance(value, str) else "")
def test_a_field_of_another_type_is_refused_by_its_name(good: Any, name: str) -> None:
    hint = get_type_hints(type(good))[name]
    slips = [value for value in SLIPS if not fits(value, hint) and not (hint is int and value == 10**400)]
    assert len(slips) >= 9
    for value in slips:
        with pytest.raises(GptreproError, match=f"^{name} must be "):
            dataclasses.replace(good, **{name: value})


@pytest.mark.parametrize(("good", "name"), FIELDS, ids=lambda value: value if isinstance(value, str) else "")
def test_a_size_or_a_rate_below_zero_is_refused(good: Any, name: str) -> None:
    value = getattr(good, name)
    if type(value) in (int, float) and name != "seed":
        with pytest.raises(GptreproError, match=name):
            dataclasses.replace(good, **{name: type(value)(-1)})


def test_whole_numbers_may_stand_for_numbers() -> None:
    assert dataclasses.replace(GOOD[4], peak_lr=1, clip_norm=None).peak_lr == 1
