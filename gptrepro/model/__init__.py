"""The decoder that all three papers share. Read in this order: config, attention, decoder, init."""

from gptrepro.model.config import AttentionKind, DecoderConfig
from gptrepro.model.decoder import Decoder

__all__ = ["AttentionKind", "Decoder", "DecoderConfig"]
