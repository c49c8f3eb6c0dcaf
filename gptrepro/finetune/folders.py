"""Fine-tuned models to and from folders.

``model.safetensors`` holds the body and, as ``score.weight``, the output layer; ``gptrepro_task.json`` says
of which task, and ``tokenizer/`` is the tokenizer. Where ``transformers`` has the architecture, which is
where one sequence is given one of several labels (classification and entailment, on a body of GPT-1 or
GPT-2), its ``AutoModelForSequenceClassification`` reads the folder too and, of a byte-level tokenizer,
``AutoTokenizer``, which puts the special tokens around one text or two. What it has no architecture for it
refuses to open.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import safetensors.torch
from safetensors import SafetensorError
from torch import Tensor

from gptrepro.checkpoints.layouts import GPT1, OWN, layout_of, stored_name, to_json
from gptrepro.errors import GptreproError
from gptrepro.finetune.inputs import FILLER, SpecialTokens
from gptrepro.finetune.model import FineTuned
from gptrepro.model import Decoder, DecoderConfig
from gptrepro.model.init import without_storage
from gptrepro.storage import atomic_file, read_json, write_text
from gptrepro.tasks.labelled import Kind, Task
from gptrepro.tasks.own_rows import task_of
from gptrepro.tokenizer import Tokenizer, load_tokenizer

WEIGHTS, TASK = "model.safetensors", "gptrepro_task.json"
HEAD = "score.weight"
"""What ``transformers`` calls the output layer."""
_NAMES = SpecialTokens._fields


@dataclass(frozen=True)
class _Stored:
    """The content of `TASK`."""

    name: str
    kind: Kind
    labels: list[str]
    score: tuple[float, float] | None
    answers: int
    base: dict[str, Any]
    """The configuration of the pre-trained model, without the special tokens."""


def save_fine_tuned(folder: Path, model: FineTuned, task: Task, tokenizer: Tokenizer) -> None:
    """Write a folder that `load_fine_tuned` reads, and ``transformers`` where it has the architecture.

    Args:
        folder: it is made where it is missing.
        model: of a decoder.
        task: over rows of the forms of `gptrepro.tasks.own_rows`.
        tokenizer: that of the pre-training, of as many tokens as the pre-trained model has.

    Raises:
        GptreproError: the disk is full or the folder may not be written.
    """
    assert isinstance(model.body, Decoder)
    body, layout = model.body.config, layout_of(model.body.config)
    tensors: dict[str, Tensor] = {
        stored_name(name, layout): each for name, each in model.body.named_parameters()
    }
    tensors[HEAD] = model.head.weight
    stored = {name: each.detach().cpu().contiguous() for name, each in tensors.items()}
    with atomic_file(folder / WEIGHTS) as temporary:
        temporary.write_bytes(safetensors.torch.save(stored, metadata={"format": "pt"}))
    base = asdict(body) | {"n_vocab": tokenizer.n_vocab}
    labels = [] if task.kind == "multiple choice" else list(task.labels)
    about = _Stored(task.name, task.kind, labels, task.score, len(task.answers), base)
    write_text(folder / TASK, json.dumps(asdict(about), indent=2, ensure_ascii=False) + "\n")
    tokenizer.save(folder / "tokenizer")
    shared = task.kind in ("classification", "entailment") and layout != OWN
    content = _for_transformers(body, layout, task) if shared else {"model_type": "gptrepro-fine-tuned"}
    write_text(folder / "config.json", json.dumps(content, indent=2, ensure_ascii=False) + "\n")
    if shared and tokenizer.kind == "gpt2":
        _save_their_tokenizer(folder, model.special)


def load_fine_tuned(folder: Path) -> tuple[FineTuned, Task, Tokenizer]:
    """What `save_fine_tuned` wrote: the model, ready to predict, its task and its tokenizer.

    Raises:
        GptreproError: the folder holds no such model, or a file is damaged.
    """
    otherwise = "choose a folder that `gptrepro finetune` wrote"
    about = read_json(folder / TASK, _Stored, "fine-tuned model", otherwise)
    fields = about.base
    if isinstance(kinds := fields.get("attention"), list):
        fields = fields | {"attention": tuple(kinds)}
    try:
        task = task_of(about.name, about.kind, about.labels, about.score, about.answers)
        with without_storage():
            model = FineTuned(Decoder(DecoderConfig(**fields)), task)
        tensors = safetensors.torch.load_file(folder / WEIGHTS)
        layout = layout_of(model.body.config)  # type: ignore[arg-type]  # a decoder's
        names = {stored_name(name, layout): f"body.{name}" for name, _ in model.body.named_parameters()}
        weights = {(names | {HEAD: "head.weight"})[name]: each for name, each in tensors.items()}
        model.load_state_dict(weights, assign=True)
    except (SafetensorError, OSError, KeyError, TypeError, ValueError, RuntimeError) as error:
        raise GptreproError(
            f"The files in {folder} are damaged or do not belong together ({type(error).__name__}): restore "
            "them or fine-tune again."
        ) from error
    return model.eval(), task, load_tokenizer(folder / "tokenizer")


def _for_transformers(body: DecoderConfig, layout: str, task: Task) -> dict[str, Any]:
    """Its ``config.json``. It reads the state at the last token that is not the filler: at *extract*."""
    named = "OpenAIGPT" if layout == GPT1 else "GPT2"
    return to_json(body, None) | {
        "architectures": [f"{named}ForSequenceClassification"],
        "id2label": dict(enumerate(task.labels)),
        "label2id": {label: number for number, label in enumerate(task.labels)},
        "pad_token_id": FILLER,
        "problem_type": "single_label_classification",
    }


def _save_their_tokenizer(folder: Path, special: SpecialTokens) -> None:
    """The tokenizer, which puts the special tokens around one text, or around and between two."""
    stored = json.loads((folder / "tokenizer" / "tokenizer.json").read_text(encoding="utf-8"))
    known = {token["content"] for token in stored["added_tokens"]}
    ids = {f"<|{name}|>": number for name, number in zip(_NAMES, special, strict=True)}
    plain = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}
    stored["added_tokens"] += [
        {"id": number, "content": name, **plain} for name, number in ids.items() if name not in known
    ]
    start, delimiter, extract = ({"SpecialToken": {"id": name, "type_id": 0}} for name in ids)
    first, second = ({"Sequence": {"id": name, "type_id": 0}} for name in "AB")
    stored["post_processor"] = {
        "type": "TemplateProcessing",
        "single": [start, first, extract],
        "pair": [start, first, delimiter, second, extract],
        "special_tokens": {
            name: {"id": name, "ids": [number], "tokens": [name]} for name, number in ids.items()
        },
    }
    filler = next(token for token, number in stored["model"]["vocab"].items() if number == FILLER)
    about = {"tokenizer_class": "PreTrainedTokenizerFast", "pad_token": filler, "padding_side": "right"}
    write_text(folder / "tokenizer.json", json.dumps(stored, ensure_ascii=False))
    write_text(folder / "tokenizer_config.json", json.dumps(about, indent=2, ensure_ascii=False))
