"""The decoder that all three papers share.

Read in this order: config, projection, attention, positions, decoder, init and loss are the model; counting
says how large it is and what a token costs. Beside it stands lstm, the baseline of GPT-1's ablation.

`Decoder` is imported when it is first asked for, so that shapes can be counted without torch.
"""

from typing import TYPE_CHECKING, Any

from gptrepro.model.config import AttentionKind, DecoderConfig

if TYPE_CHECKING:
    from gptrepro.model.decoder import Decoder

__all__ = ["AttentionKind", "Decoder", "DecoderConfig"]


def __getattr__(name: str) -> Any:
    if name != "Decoder":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from gptrepro.model.decoder import Decoder

    return Decoder
