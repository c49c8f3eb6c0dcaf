import pytest

from gptrepro.errors import GptreproError
from gptrepro.model import DecoderConfig

SIZES = {"n_vocab": 50, "n_ctx": 16, "n_layers": 3, "d_model": 32, "n_heads": 4}


def test_widths_follow_from_the_model_width_unless_stated() -> None:
    config = DecoderConfig(**SIZES)
    assert (config.head_width, config.inner_width) == (8, 128)
    stated = DecoderConfig(**SIZES, d_head=5, d_ff=7)
    assert (stated.head_width, stated.inner_width) == (5, 7)


def test_attention_kinds_repeat_over_the_layers() -> None:
    config = DecoderConfig(**SIZES, attention=("dense", "banded"), window=4)
    assert [config.window_of(layer) for layer in range(3)] == [None, 4, None]


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"n_layers": 0}, "n_layers must be at least 1"),
        ({"n_heads": 5}, "state d_head"),
        ({"attention": ("banded",)}, "needs a window"),
        ({"attention": ("banded",), "window": 0}, "window must be at least 1"),
        ({"attention": ()}, "attention must name"),
        ({"d_head": 0}, "d_head must be at least 1"),
        ({"d_ff": -1}, "d_ff must be at least 1"),
        ({"dropout": 1.0}, "dropout must lie in"),
        ({"norm_eps": 0.0}, "norm_eps must be above 0"),
        ({"norm_eps": -1e-5}, "norm_eps must be above 0"),
        ({"init_std": -0.02}, "init_std must be at least 0"),
        ({"position_std": -0.01}, "position_std must be at least 0"),
    ],
)
def test_impossible_configurations_are_refused(changes: dict, sentence: str) -> None:
    with pytest.raises(GptreproError, match=sentence):
        DecoderConfig(**{**SIZES, **changes})
