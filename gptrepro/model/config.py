"""What distinguishes the decoders of the three papers, as data."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Literal, get_args

from gptrepro.errors import GptreproError

AttentionKind = Literal["dense", "banded"]
Activation = Literal["gelu_tanh", "gelu", "relu"]
Positions = Literal["learned", "sinusoidal", "none"]
Norm = Literal["post", "pre"]
ResidualInit = Literal["plain", "scaled"]

CHOICES = {"norm": Norm, "activation": Activation, "residual_init": ResidualInit, "positions": Positions}
"""The fields that name one of several things."""


def is_finite(value: object) -> bool:
    """Whether a value is a number that a float can hold: not infinite, not NaN, not true or false."""
    largest = sys.float_info.max
    return isinstance(value, int | float) and not isinstance(value, bool) and -largest <= value <= largest


@dataclass(frozen=True)
class DecoderConfig:
    """A decoder-only Transformer of the GPT family.

    The defaults are GPT-1's choices (Radford et al. 2018, section 4.1); GPT-2 (2019, section 2.3)
    moves the layer norm (``norm="pre"``) and scales the residual initialisation; GPT-3 (2020,
    section 2.1) alternates ``attention=("dense", "banded")`` with a window.
    """

    n_vocab: int
    """Rows of the token embedding."""
    n_ctx: int
    """Rows of the position table: the longest sequence, in tokens."""
    n_layers: int
    d_model: int
    """Width of the residual stream."""
    n_heads: int
    d_head: int | None = None
    """Width of a head; ``d_model / n_heads`` unless stated (GPT-3 XL states 24 heads of 128)."""
    d_ff: int | None = None
    """Inner width of the feed-forward layer; ``4 * d_model`` unless stated."""
    norm: Norm = "post"
    """Where layer norm sits: after each residual addition (GPT-1), or before each sub-block with
    one final norm (GPT-2 and GPT-3)."""
    activation: Activation = "gelu_tanh"
    attention: tuple[AttentionKind, ...] = ("dense",)
    """Attention of layer ``i`` is ``attention[i % len(attention)]``."""
    window: int | None = None
    """Keys that a banded layer sees, the current position included."""
    residual_init: ResidualInit = "plain"
    """``scaled`` divides the initial standard deviation of the projections into the residual
    stream by ``sqrt(2 * n_layers)``: N counts residual additions, two per block."""
    init_std: float = 0.02
    dropout: float = 0.1
    """Probability for the embeddings, the attention weights and both residual branches."""
    norm_eps: float = 1e-5
    positions: Positions = "learned"
    """What tells one position from another: a trained table (GPT-1, 2 and 3), the sinusoids of Vaswani et al.
    (2017, section 3.5), or nothing but the causal mask."""

    def __post_init__(self) -> None:
        stated = [name for name in ("d_head", "d_ff", "window") if getattr(self, name) is not None]
        for name in ("n_vocab", "n_ctx", "n_layers", "d_model", "n_heads", *stated):
            if not isinstance(size := getattr(self, name), int) or isinstance(size, bool):
                raise GptreproError(f"{name} must be a whole number, not {size!r}.")
        for name in ("init_std", "dropout", "norm_eps"):
            if not is_finite(number := getattr(self, name)):
                raise GptreproError(f"{name} must be a finite number, not {number!r}.")
        for name, choices in CHOICES.items():
            if getattr(self, name) not in get_args(choices):
                names = ", ".join(get_args(choices))
                raise GptreproError(f"{name} must be one of {names}, not {getattr(self, name)!r}.")
        for name in ("n_vocab", "n_ctx", "n_layers", "d_model", "n_heads"):
            if getattr(self, name) < 1:
                raise GptreproError(f"{name} must be at least 1, not {getattr(self, name)}.")
        for name in stated:
            if getattr(self, name) < 1:
                raise GptreproError(
                    f"{name} must be at least 1 where it is stated, not {getattr(self, name)}."
                )
        kinds = get_args(AttentionKind)
        if not isinstance(self.attention, tuple) or not self.attention:
            raise GptreproError(f"attention must name one or more of dense and banded, not {self.attention}.")
        if not all(kind in kinds for kind in self.attention):
            raise GptreproError(f"attention must name one or more of dense and banded, not {self.attention}.")
        if self.positions == "sinusoidal" and self.d_model % 2:
            raise GptreproError(
                f"Sinusoidal positions pair the dimensions: d_model must be even, not {self.d_model}."
            )
        if self.d_head is None and self.d_model % self.n_heads:
            raise GptreproError(
                f"d_model {self.d_model} is not a multiple of n_heads {self.n_heads}: state d_head."
            )
        if "banded" in self.attention and self.window is None:
            raise GptreproError("Banded attention needs a window of at least 1 token.")
        if not 0.0 <= self.dropout < 1.0:
            raise GptreproError(f"dropout must lie in [0, 1), not {self.dropout}.")
        if self.norm_eps <= 0:
            raise GptreproError(
                f"norm_eps must be above 0, which keeps layer norm defined, not {self.norm_eps}."
            )
        if self.init_std < 0:
            raise GptreproError(f"init_std must be at least 0, as any spread, not {self.init_std}.")

    @property
    def head_width(self) -> int:
        """Width of one attention head."""
        return self.d_head if self.d_head is not None else self.d_model // self.n_heads

    @property
    def inner_width(self) -> int:
        """Inner width of the feed-forward layer."""
        return self.d_ff if self.d_ff is not None else 4 * self.d_model

    def window_of(self, layer: int) -> int | None:
        """The window of layer ``layer`` in tokens, or None where attention is dense."""
        return self.window if self.attention[layer % len(self.attention)] == "banded" else None
