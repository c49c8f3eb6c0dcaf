"""The decoder that all three papers share.

Read in this order: config, projection, attention, positions, decoder, init and loss are the model; counting
says how large it is and what a token costs; decoding, generation and beam write text. Beside it stand what it
is compared with: lstm is the baseline of GPT-1's ablation, kneser_ney that of counting, and seq2seq holds the
encoder-decoders that came before.
"""

from gptrepro.model.config import AttentionKind, DecoderConfig
from gptrepro.model.decoder import Decoder

__all__ = ["AttentionKind", "Decoder", "DecoderConfig"]
