"""The decoder that all three papers share.

Read in this order: config, projection, attention, positions, decoder, init and loss are the model; counting
says how large it is and what a token costs. Beside it stands lstm, the baseline of GPT-1's ablation.
"""

from gptrepro.model.config import AttentionKind, DecoderConfig
from gptrepro.model.decoder import Decoder

__all__ = ["AttentionKind", "Decoder", "DecoderConfig"]
