"""A training that no memory holds is refused before it begins, and one that fits is not."""

from __future__ import annotations

import pytest

from gptrepro.errors import GptreproError
from gptrepro.model import DecoderConfig
from gptrepro.train.memory import require_memory

SMALL = {"n_vocab": 300, "n_ctx": 64, "n_layers": 2, "n_heads": 2}


@pytest.mark.parametrize(
    ("width", "tokens"), [(320_000_000, 1), (2**40, 1), (32, 10**11)], ids=["width", "uncountable", "batch"]
)
def test_what_no_memory_holds_is_one_sentence(width: int, tokens: int) -> None:
    with pytest.raises(GptreproError, match=r"GiB of memory and the machine has|No machine holds"):
        require_memory(DecoderConfig(d_model=width, **SMALL), tokens)


def test_what_fits_passes() -> None:
    require_memory(DecoderConfig(d_model=32, **SMALL), 4096)
