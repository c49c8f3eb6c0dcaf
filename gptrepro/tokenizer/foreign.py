"""Whether a tokenizer that another library describes is one of those that we implement.

A ``tokenizer.json`` of ``tokenizers`` lists steps: normalise, split, merge, add tokens, decode. Ours are
GPT-1's and GPT-2's and no others, so that a step that would give a text other ids is refused by its name and
not left out. Of GPT-1 there is one exception: ``transformers`` splits its words by BERT's rules, where the
released code has ftfy and spaCy; such a folder is read by the released code's.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeGuard

from gptrepro.errors import GptreproError
from gptrepro.tokenizer.byte_level import END_OF_TEXT

_BYTE_LEVEL = {"type": "ByteLevel"}
_STEPS: dict[str, dict[str, tuple[Any, ...]]] = {
    "gpt2": {
        "normalizer": (None,),
        "pre_tokenizer": (_BYTE_LEVEL | {"add_prefix_space": False, "use_regex": True},),
        "post_processor": (None, _BYTE_LEVEL),
        "decoder": (None, _BYTE_LEVEL),
    },
    "gpt1": {
        "normalizer": (
            None,
            {
                "type": "BertNormalizer",
                "clean_text": True,
                "handle_chinese_chars": True,
                "strip_accents": None,
                "lowercase": True,
            },
        ),
        "pre_tokenizer": (
            {"type": "CharDelimiterSplit", "delimiter": " "},
            {"type": "BertPreTokenizer"},
        ),
        "post_processor": (None,),
        "decoder": (None, {"type": "BPEDecoder", "suffix": "</w>"}),
    },
}
_STEPS["words"] = _STEPS["gpt2"]
"""What each step may be; see `_plain` for what makes no difference to ids."""

_MODEL: dict[str, dict[str, tuple[Any, ...]]] = {
    "gpt2": {"end_of_word_suffix": (None, ""), "ignore_merges": (None, False)},
    "words": {"end_of_word_suffix": (None, ""), "ignore_merges": (True,)},
    "gpt1": {
        "end_of_word_suffix": ("</w>",),
        "unk_token": ("<unk>",),
        "fuse_unk": (None, False),
        "ignore_merges": (None, False),
    },
}
_EITHER_MODEL: dict[str, tuple[Any, ...]] = {
    "dropout": (None, 0, 0.0),
    "continuing_subword_prefix": (None, ""),
}
"""What the options of the merging may be. Where all bytes are tokens, nothing is unknown."""

_NAMES = {"gpt1": "GPT-1", "gpt2": "GPT-2", "words": "the word model"}
_ADDED = ("lstrip", "rstrip", "single_word")


def require_known_steps(stored: dict[str, Any], kind: str, path: Path) -> None:
    """Refuse a ``tokenizer.json`` with a step that the tokenizer of ``kind`` does not have.

    Raises:
        GptreproError: it names the step.
    """
    for name, known in _STEPS[kind].items():
        step = _plain(stored.get(name), name)
        if step not in known:
            raise _refusal(path, f"the {name.replace('_', '-')} {_shown(stored.get(name))}", kind)
    model = stored["model"]
    for name, known in (_EITHER_MODEL | _MODEL[kind]).items():
        if model.get(name) not in known:
            raise _refusal(path, f"the option {name} {model[name]!r}", kind)


def require_known_settings(config: dict[str, Any], kind: str, path: Path) -> None:
    """Refuse a ``tokenizer_config.json`` that puts something before or after texts, or ends them otherwise.

    Raises:
        GptreproError: it names the setting.
    """
    for name in ("add_prefix_space", "add_bos_token", "add_eos_token"):
        if config.get(name):
            raise _refusal(path, f"the setting {name}", kind)
    end = config.get("eos_token")
    end = end.get("content") if isinstance(end, dict) else end
    if end is not None and end != (None if kind == "gpt1" else END_OF_TEXT):
        raise _refusal(path, f"the end of text {end!r}", kind)


def special_tokens(added: list[Any], kind: str, path: Path) -> Iterator[tuple[str, int]]:
    """The names and ids of added tokens that no text gives but on request.

    Raises:
        GptreproError: one has no name and id, or is cut out of every text, or takes white space with it.
    """
    for token in added:
        if not _is_token(token):
            raise GptreproError(
                f"{path} is damaged (its added tokens do not each have content and id): restore it or train "
                "the tokenizer again."
            )
        name, number = token["content"], token["id"]
        if not token.get("special"):
            raise _refusal(path, f"the added word {name!r}", kind)
        if odd := [option for option in _ADDED if token.get(option)]:
            raise _refusal(path, f"the added token {name!r} with {odd[0]}", kind)
        yield name, number


def _is_token(token: Any) -> TypeGuard[dict[str, Any]]:
    return isinstance(token, dict) and isinstance(token.get("content"), str) and type(token.get("id")) is int


def _plain(step: Any, name: str) -> Any:
    """A step without what makes no difference to ids, and with the options that older files leave out."""
    if not isinstance(step, dict):
        return step
    if step.get("type") == "Sequence":
        parts = next((parts for parts in step.values() if isinstance(parts, list)), [])
        return _plain(parts[0], name) if len(parts) == 1 else step
    if step.get("type") == "TemplateProcessing" and not step.get("special_tokens"):
        return None
    if step.get("type") != "ByteLevel":
        return step
    if name != "pre_tokenizer":
        return _BYTE_LEVEL
    return {"use_regex": True} | {option: value for option, value in step.items() if option != "trim_offsets"}


def _shown(step: Any) -> str:
    """A step by its type and what it contains."""
    if not isinstance(step, dict):
        return repr(step)
    parts = next((parts for parts in step.values() if isinstance(parts, list)), [])
    if step.get("type") == "Sequence" and parts:
        return " then ".join(map(_shown, parts))
    options = [f"{name} {value!r}" for name, value in step.items() if isinstance(value, bool | str | int)]
    return ", ".join(option.removeprefix("type ").strip("'") for option in options)


def _refusal(path: Path, what: str, kind: str) -> GptreproError:
    return GptreproError(
        f"{path} asks for {what}, which {_NAMES[kind]}'s tokenizer does not have, so that texts would get "
        "other ids here: use a folder with the tokenizer of GPT-1 or GPT-2."
    )
