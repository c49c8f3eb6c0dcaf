"""What distinguishes the decoders of the three papers, as data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from gptrepro.errors import GptreproError
from gptrepro.fields import check_least, check_types

AttentionKind = Literal["dense", "banded"]
Activation = Literal["gelu_tanh", "gelu", "relu"]
Positions = Literal["learned", "sinusoidal", "none"]
Norm = Literal["post", "pre"]
ResidualInit = Literal["plain", "scaled"]


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
    position_std: float | None = None
    """Spread of a fresh table of learned positions; ``init_std`` unless stated (GPT-2's code states 0.01)."""
    dropout: float = 0.1
    """Probability for the embeddings, the attention weights and both residual branches."""
    norm_eps: float = 1e-5
    positions: Positions = "learned"
    """What tells one position from another: a trained table (GPT-1, 2 and 3), the sinusoids of Vaswani et al.
    (2017, section 3.5), or nothing but the causal mask."""

    def __post_init__(self) -> None:
        check_types(self)
        check_least(self, 1, "n_vocab", "n_ctx", "n_layers", "d_model", "n_heads", "d_head", "d_ff", "window")
        check_least(self, 0, "init_std", "position_std")
        if not self.attention:
            raise GptreproError("attention must name one or more of dense and banded, not none.")
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


@dataclass(frozen=True)
class LSTMConfig:
    """An LSTM language model; GPT-1 (section 5, ablation studies) used a single layer of 2,048 units."""

    n_vocab: int
    n_ctx: int
    """Tokens per training sequence; the recurrence itself has no limit."""
    d_model: int
    """Width of the token embedding, in and out."""
    d_hidden: int
    """Units per layer; where it differs from ``d_model``, a projection leads back."""
    n_layers: int = 1
    dropout: float = 0.1
    """Probability for the embeddings, between layers and before the output: never along the recurrence
    (Zaremba et al. 2014)."""

    def __post_init__(self) -> None:
        check_types(self)
        check_least(self, 1, "n_vocab", "n_ctx", "d_model", "d_hidden", "n_layers")
        if not 0.0 <= self.dropout < 1.0:
            raise GptreproError(f"dropout must lie in [0, 1), not {self.dropout}.")
