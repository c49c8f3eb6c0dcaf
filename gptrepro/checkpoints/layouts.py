"""How a decoder's configuration and parameter names look in a ``transformers`` folder.

``transformers`` has a layout for GPT-1 (model type "openai-gpt") and one for GPT-2 ("gpt2"). A decoder that
neither can express, such as GPT-3's with banded layers or one without learned positions, is stored under the
model type "gptrepro" with the fields of `DecoderConfig`.
"""

from __future__ import annotations

import dataclasses
from typing import Any

from gptrepro.errors import GptreproError
from gptrepro.fields import is_finite
from gptrepro.model.config import Activation, DecoderConfig

GPT1, GPT2, OWN = "openai-gpt", "gpt2", "gptrepro"

TRAINED_CONTEXT = "trained_context"
"""The entry of ``config.json``, ours in every layout, for the longest sequence that was trained on."""

_SIZES = {
    "n_vocab": "vocab_size",
    "n_ctx": "n_positions",
    "n_layers": "n_layer",
    "d_model": "n_embd",
    "n_heads": "n_head",
}
"""Our names of the sizes and those of ``transformers``, the same in both layouts."""

_ACTIVATIONS: dict[str, dict[Activation, tuple[str, ...]]] = {
    GPT1: {"gelu_tanh": ("gelu",), "relu": ("relu",)},  # its "gelu" is the tanh form
    GPT2: {
        "gelu_tanh": ("gelu_new", "gelu_pytorch_tanh", "gelu_fast", "gelu_python_tanh", "gelu_accurate"),
        "gelu": ("gelu", "gelu_python"),
        "relu": ("relu",),
    },
}
"""The names that ``transformers`` has for one function; the first is written."""


def layout_of(config: DecoderConfig) -> str:
    """The model type that can express ``config``."""
    dense = all(config.window_of(layer) is None for layer in range(config.n_layers))
    usual_heads = config.n_heads * config.head_width == config.d_model
    if not dense or not usual_heads or config.positions != "learned":
        return OWN
    if config.norm == "pre":
        return GPT2
    usual_inner = config.inner_width == 4 * config.d_model
    return GPT1 if usual_inner and config.activation in _ACTIVATIONS[GPT1] else OWN


def to_json(
    config: DecoderConfig, end_of_text: int | None, trained_context: int | None = None
) -> dict[str, Any]:
    """The content of ``config.json`` for a decoder whose tokenizer ends texts with ``end_of_text``."""
    layout = layout_of(config)
    ours = {} if trained_context is None else {TRAINED_CONTEXT: trained_context}
    if layout == OWN:
        return {"model_type": OWN, **dataclasses.asdict(config), **ours}
    content: dict[str, Any] = {"model_type": layout, **ours}
    content |= {theirs: getattr(config, ours) for ours, theirs in _SIZES.items()}
    content |= {f"{place}_pdrop": config.dropout for place in ("embd", "attn", "resid")}
    content |= {"layer_norm_epsilon": config.norm_eps, "initializer_range": config.init_std}
    # ours; transformers passes over them
    content |= {"residual_init": config.residual_init, "position_std": config.position_std}
    content |= {"bos_token_id": end_of_text, "eos_token_id": end_of_text, "tie_word_embeddings": True}
    activation = _ACTIVATIONS[layout][config.activation][0]
    if layout == GPT1:
        return content | {"architectures": ["OpenAIGPTLMHeadModel"], "afn": activation}
    content |= {"architectures": ["GPT2LMHeadModel"], "activation_function": activation}
    return content | {"n_inner": config.d_ff}


def from_json(content: Any, place: str) -> DecoderConfig:
    """The configuration in a ``config.json``, ours or that of ``transformers``.

    Where ``transformers`` states three dropout probabilities, that of the residual branches counts.

    Args:
        content: the parsed file.
        place: its name in error messages.

    Raises:
        GptreproError: it describes another architecture, or nothing sensible.
    """
    layout = content.get("model_type") if isinstance(content, dict) else None
    if layout not in (GPT1, GPT2, OWN):
        raise GptreproError(
            f"{place} describes a model of type {layout!r}: this package reads GPT-1 ({GPT1}), GPT-2 "
            f"({GPT2}) and its own ({OWN})."
        )
    try:
        return _from_own(content) if layout == OWN else _from_transformers(layout, content)
    except KeyError as error:
        raise GptreproError(f"{place} does not describe a usable GPT model: it lacks {error}.") from error
    except (GptreproError, TypeError, ValueError) as error:
        reason = str(error).rstrip(".")
        raise GptreproError(f"{place} does not describe a usable GPT model: {reason}.") from error


def _from_own(content: dict[str, Any]) -> DecoderConfig:
    fields = {name: value for name, value in content.items() if name not in ("model_type", TRAINED_CONTEXT)}
    if isinstance(kinds := fields.get("attention"), list):
        fields["attention"] = tuple(kinds)
    return DecoderConfig(**fields)


def _from_transformers(layout: str, content: dict[str, Any]) -> DecoderConfig:
    for name, only in (
        ("scale_attn_weights", True),
        ("scale_attn_by_inverse_layer_idx", False),
        ("add_cross_attention", False),
    ):
        if content.get(name, only) is not only:
            raise ValueError(f"{name} is {content[name]!r}, which no GPT of the papers has")
    activation = "afn" if layout == GPT1 else "activation_function"
    by_their_name = {name: ours for ours, names in _ACTIVATIONS[layout].items() for name in names}
    _choice(content, activation, tuple(by_their_name))
    _choice(content, "residual_init", ("plain", "scaled"))
    sizes: dict[str, Any] = {ours: _integer(content, theirs) for ours, theirs in _SIZES.items()}
    return DecoderConfig(
        **sizes,
        d_ff=_integer(content, "n_inner") if content.get("n_inner") is not None else None,
        norm="post" if layout == GPT1 else "pre",
        activation=by_their_name[content.get(activation, _ACTIVATIONS[layout]["gelu_tanh"][0])],
        residual_init=content.get("residual_init", "plain" if layout == GPT1 else "scaled"),
        init_std=_number(content, "initializer_range", 0.02),
        position_std=content.get("position_std"),
        dropout=_number(content, "resid_pdrop", 0.1),
        norm_eps=_number(content, "layer_norm_epsilon", 1e-5),
    )


def trained_context(content: dict[str, Any], config: DecoderConfig, place: str) -> int:
    """The longest sequence that a model was trained on, in tokens; all of its positions where none is stated.

    Args:
        content: the parsed ``config.json``.
        config: what it describes.
        place: its name in error messages.

    Raises:
        GptreproError: what it states is no length that the model can read.
    """
    stated = content.get(TRAINED_CONTEXT, config.n_ctx)
    if type(stated) is not int or not 1 <= stated <= config.n_ctx:
        raise GptreproError(
            f"{place} states the {TRAINED_CONTEXT} {stated!r}, which must be a whole number from 1 to the "
            f"model's {config.n_ctx} positions: correct it or remove that entry."
        )
    return stated


def _choice(content: dict[str, Any], name: str, choices: tuple[str, ...]) -> None:
    if name in content and content[name] not in choices:
        raise ValueError(f"{name} is {content[name]!r}, not one of {', '.join(choices)}")


def _integer(content: dict[str, Any], name: str) -> int:
    value = content[name]
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise ValueError(f"{name} is {value!r}, not a positive whole number")
    return value


def _number(content: dict[str, Any], name: str, default: float) -> float:
    value = content.get(name, default)
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise ValueError(f"{name} is {value!r}, not a number")
    if not is_finite(value) or value < 0:
        raise ValueError(f"{name} is {value!r}, not a finite number from 0 up")
    return float(value)


def stored_name(name: str, layout: str) -> str:
    """The name under which ``layout`` stores the parameter that our decoder calls ``name``."""
    if layout == GPT1:
        name = {"wte.weight": "tokens_embed.weight", "wpe.weight": "positions_embed.weight"}.get(name, name)
    return f"transformer.{name}"
