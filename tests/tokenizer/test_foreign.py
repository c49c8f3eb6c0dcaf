"""Tokenizers of other libraries: read to the ids of `transformers`, or refused by the step's name."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from transformers import AutoTokenizer, OpenAIGPTTokenizer, PreTrainedTokenizerFast

from gptrepro.errors import GptreproError
from gptrepro.tokenizer import ByteLevelTokenizer, Gpt1Tokenizer, load_tokenizer

TEXTS = (
    "When shall WE  three meet again?\n\n  In thunder, don't 1234 — café ﬁne…",
    " leading space and\ttab ",
    "first<|endoftext|>second <|endoftext|> [PAD][PAD]the battle's lost[PAD]",
    "The hurly-burly's  done <|im_end|>\n",
    "",
)

Content = dict[str, Any]
BYTE_LEVEL = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}
SPLIT = {"type": "Split", "pattern": {"Regex": r"\d"}, "behavior": "Isolated", "invert": False}
TEMPLATE = {
    "type": "TemplateProcessing",
    "single": [{"Sequence": {"id": "A", "type_id": 0}}],
    "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}],
    "special_tokens": {},
}
END = "<|endoftext|>"


def with_end(content: Content) -> Content:
    """A template that puts the end of text before every text."""
    number = content["model"]["vocab"][END]
    start = {"SpecialToken": {"id": END, "type_id": 0}}
    special = {END: {"id": END, "ids": [number], "tokens": [END]}}
    return TEMPLATE | {"single": [start, *TEMPLATE["single"]], "special_tokens": special}


def added(content: Content, name: str, **options: bool) -> None:
    """Add a token at the end of the vocabulary."""
    flags = dict.fromkeys(("single_word", "lstrip", "rstrip", "normalized"), False) | {"special": True}
    number = len(content["model"]["vocab"]) + len(content["added_tokens"]) - 1
    content["added_tokens"].append({"id": number, "content": name, **flags, **options})


def of_model(**options: Any) -> Callable[[Content], object]:
    return lambda content: content["model"].update(options)


def step(name: str, value: Any) -> Callable[[Content], object]:
    return lambda content: content.update({name: value})


READ: dict[str, Callable[[Content], object]] = {
    "as GPT-2 has it": lambda content: None,
    "no post-processor": step("post_processor", None),
    "a template that adds nothing": step("post_processor", TEMPLATE),
    "a sequence of one": step("pre_tokenizer", {"type": "Sequence", "pretokenizers": [BYTE_LEVEL]}),
    "without options of later versions": lambda content: content["pre_tokenizer"].pop("use_regex"),
    "an unknown token where nothing is unknown": of_model(unk_token=END),
    "a special token": lambda content: added(content, "[PAD]"),
    "two, one in the other": lambda content: (added(content, "[PAD]"), added(content, "[PAD][PAD]")),
    "special tokens of a chat": lambda content: (
        added(content, "<|im_end|>"),
        added(content, "<|im_start|>"),
    ),
    "truncation that nobody asks for": step(
        "truncation",
        {"direction": "Right", "max_length": 3, "strategy": "LongestFirst", "stride": 0},
    ),
    "no decoder": step("decoder", None),
}

REFUSED: dict[str, tuple[Callable[[Content], object], str]] = {
    "a prefix space": (
        step("pre_tokenizer", BYTE_LEVEL | {"add_prefix_space": True}),
        "add_prefix_space True",
    ),
    "no regex": (step("pre_tokenizer", BYTE_LEVEL | {"use_regex": False}), "use_regex False"),
    "no pre-tokenizer": (step("pre_tokenizer", None), "pre-tokenizer None"),
    "words": (step("pre_tokenizer", {"type": "Whitespace"}), "pre-tokenizer Whitespace"),
    "digits": (
        step("pre_tokenizer", {"type": "Sequence", "pretokenizers": [SPLIT, BYTE_LEVEL]}),
        "pre-tokenizer Split.* then ByteLevel",
    ),
    "another model's splits": (
        step(
            "pre_tokenizer",
            {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": True},
        ),
        "Metaspace",
    ),
    "a template that adds": (
        lambda content: content.update(post_processor=with_end(content)),
        "post-processor TemplateProcessing",
    ),
    "an added word": (lambda content: added(content, "battle", special=False), "added word 'battle'"),
    "a greedy special token": (
        lambda content: added(content, "[PAD]", lstrip=True),
        r"'\[PAD\]' with lstrip",
    ),
    "dropout": (of_model(dropout=0.1), "dropout 0.1"),
    "whole words first": (of_model(ignore_merges=True), "ignore_merges True"),
    "a prefix within words": (of_model(continuing_subword_prefix="##"), "continuing_subword_prefix '##'"),
    "another decoder": (step("decoder", {"type": "Metaspace", "replacement": "▁"}), "decoder Metaspace"),
    **{
        kind: (step("normalizer", {"type": kind, **options}), f"normalizer {kind}")
        for kind, options in {
            "Lowercase": {},
            "NFC": {},
            "NFKC": {},
            "StripAccents": {},
            "Strip": {"strip_left": True, "strip_right": True},
            "Prepend": {"prepend": "_"},
            "Replace": {"pattern": {"String": "\n"}, "content": " "},
        }.items()
    },
    "two normalizers": (
        step("normalizer", {"type": "Sequence", "normalizers": [{"type": "NFD"}, {"type": "Lowercase"}]}),
        "normalizer NFD then Lowercase",
    ),
}


def changed(tokenizer: ByteLevelTokenizer, folder: Path, change: Callable[[Content], object]) -> Path:
    """A folder as another library leaves it, whose ``tokenizer.json`` is changed."""
    tokenizer.save(folder)
    for name in ("gptrepro_tokenizer.json", "tokenizer_config.json", "vocab.json", "merges.txt"):
        (folder / name).unlink()
    content = json.loads((folder / "tokenizer.json").read_text())
    change(content)
    (folder / "tokenizer.json").write_text(json.dumps(content))
    return folder


@pytest.mark.parametrize("name", READ)
def test_what_is_read_has_the_ids_of_transformers(
    small_gpt2: ByteLevelTokenizer, tmp_path: Path, name: str
) -> None:
    folder = changed(small_gpt2, tmp_path, READ[name])
    ours = load_tokenizer(folder)
    theirs = PreTrainedTokenizerFast(tokenizer_file=str(folder / "tokenizer.json"))
    assert [ours.encode(text, allow_special=True) for text in TEXTS] == [
        theirs(text).input_ids for text in TEXTS
    ]
    for text in TEXTS:  # without being asked, no letters become a special token
        assert not set(ours.special.values()) & set(ours.encode(text))
        assert ours.decode(ours.encode(text)) == text
    ours.save(tmp_path / "again")
    assert load_tokenizer(tmp_path / "again").special == ours.special


@pytest.mark.parametrize("name", REFUSED)
def test_what_would_give_other_ids_is_refused_by_its_name(
    small_gpt2: ByteLevelTokenizer, tmp_path: Path, name: str
) -> None:
    change, sentence = REFUSED[name]
    with pytest.raises(GptreproError, match=sentence) as caught:
        load_tokenizer(changed(small_gpt2, tmp_path, change))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("with_steps", [True, False], ids=["tokenizer.json", "vocab.json"])
@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"add_prefix_space": True}, "add_prefix_space"),
        ({"add_bos_token": True}, "add_bos_token"),
        ({"eos_token": "</s>"}, "end of text '</s>'"),
        ({"eos_token": {"content": "</s>", "lstrip": False}}, "end of text '</s>'"),
        ({"added_tokens_decoder": {"340": {"content": "new", "special": False}}}, "added word 'new'"),
        ({"added_tokens_decoder": {"x": {"content": "new", "special": True}}}, "damaged"),
        ({"added_tokens_decoder": {"7": {"content": END, "special": True}}}, "has two ids"),
    ],
)
def test_settings_beside_the_vocabulary_count(
    small_gpt2: ByteLevelTokenizer, tmp_path: Path, with_steps: bool, settings: Content, sentence: str
) -> None:
    small_gpt2.save(tmp_path)
    (tmp_path / "gptrepro_tokenizer.json").unlink()
    if not with_steps:
        (tmp_path / "tokenizer.json").unlink()
    place = tmp_path / "tokenizer_config.json"
    place.write_text(json.dumps(json.loads(place.read_text()) | settings))
    with pytest.raises(GptreproError, match=sentence):
        load_tokenizer(tmp_path)


@pytest.mark.parametrize("special", [True, False])
def test_tokens_that_older_transformers_list_apart(
    small_gpt2: ByteLevelTokenizer, tmp_path: Path, special: bool
) -> None:
    small_gpt2.save(tmp_path)
    for name in ("gptrepro_tokenizer.json", "tokenizer.json"):
        (tmp_path / name).unlink()
    number = small_gpt2.n_vocab
    (tmp_path / "added_tokens.json").write_text(json.dumps({"[PAD]": number}))
    place = tmp_path / "tokenizer_config.json"
    flags = {"content": "[PAD]", "special": special, "lstrip": False, "rstrip": False, "single_word": False}
    config = json.loads(place.read_text()) | {
        "added_tokens_decoder": {str(number): flags | {"normalized": False}}
    }
    place.write_text(json.dumps(config))
    if not special:
        with pytest.raises(GptreproError, match=r"added word '\[PAD\]'"):
            load_tokenizer(tmp_path)
        return
    ours, theirs = load_tokenizer(tmp_path), AutoTokenizer.from_pretrained(tmp_path)
    assert [ours.encode(text, allow_special=True) for text in TEXTS] == [
        theirs(text).input_ids for text in TEXTS
    ]


def test_gpt1_of_transformers_is_read_by_the_released_code(small_gpt1: Gpt1Tokenizer, tmp_path: Path) -> None:
    small_gpt1.save(tmp_path / "ours")
    OpenAIGPTTokenizer.from_pretrained(tmp_path / "ours").save_pretrained(tmp_path / "theirs")
    again = load_tokenizer(tmp_path / "theirs")
    assert again.digest == small_gpt1.digest
    content = json.loads((tmp_path / "theirs" / "tokenizer.json").read_text())
    content["normalizer"]["lowercase"] = False
    (tmp_path / "theirs" / "tokenizer.json").write_text(json.dumps(content))
    with pytest.raises(GptreproError, match=r"normalizer BertNormalizer.*GPT-1's tokenizer does not have"):
        load_tokenizer(tmp_path / "theirs")
