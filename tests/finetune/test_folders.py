"""Fine-tuned models in folders: ours come back the same, and ``transformers`` predicts the same."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from gptrepro.errors import GptreproError
from gptrepro.finetune import FineTuned, encode, predict
from gptrepro.finetune.folders import load_fine_tuned, save_fine_tuned
from gptrepro.tasks.labelled import Example, Kind, Task
from gptrepro.tasks.own_rows import task_of
from gptrepro.tokenizer import Tokenizer, train_byte_level_bpe
from tests.model.small import small_decoder

TOKENIZER: Tokenizer = train_byte_level_bpe(["the cat sat on the mat, and the dog sat on the log. "], 270)
TASKS = {
    "classification": task_of("own", "classification", ("bad", "good", "so so"), None, 0),
    "entailment": task_of("own", "entailment", ("no", "yes"), None, 0),
    "similarity": task_of("own", "similarity", (), (1.0, 4.5), 0),
    "multiple choice": task_of("own", "multiple choice", (), None, 2),
}
TEXTS = ("the cat sat.", "on the log, and on", "a")


def saved(folder: Path, kind: str, **shape: Any) -> tuple[FineTuned, Task]:
    torch.manual_seed(3)
    body = small_decoder(n_vocab=TOKENIZER.n_vocab, n_layers=2, **shape)
    model = FineTuned(body, TASKS[kind]).eval()
    torch.nn.init.normal_(model.head.weight)
    save_fine_tuned(folder, model, TASKS[kind], TOKENIZER)
    return model, TASKS[kind]


def examples(kind: Kind) -> list[Example]:
    if kind == "multiple choice":
        return [Example((text,), 0, TEXTS[:2]) for text in TEXTS]
    return [Example((text,) if kind == "classification" else (text, TEXTS[0]), 0) for text in TEXTS]


@pytest.mark.parametrize("kind", TASKS)
@pytest.mark.parametrize("shape", [{}, {"norm": "pre"}, {"norm": "pre", "attention": ("dense", "banded")}])
def test_a_saved_model_predicts_as_before(tmp_path, kind, shape):
    model, task = saved(tmp_path, kind, **shape, **({"window": 4} if "attention" in shape else {}))
    opened, described, tokenizer = load_fine_tuned(tmp_path)
    assert described == task and tokenizer.digest == TOKENIZER.digest
    rows = encode(task, examples(task.kind), tokenizer, opened.special, 64)
    torch.testing.assert_close(predict(opened, rows), predict(model, rows), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("kind", ["classification", "entailment"])
@pytest.mark.parametrize("norm", ["pre", "post"])
def test_transformers_classifies_alike(tmp_path, kind, norm):
    """From texts on: its tokenizer puts the special tokens where ours does, fillers behind."""
    transformers = pytest.importorskip("transformers")
    model, task = saved(tmp_path, kind, norm=norm)
    theirs = transformers.AutoModelForSequenceClassification.from_pretrained(tmp_path).eval()
    assert [theirs.config.id2label[number] for number in range(len(task.labels))] == list(task.labels)
    pairs = zip(*(example.texts for example in examples(task.kind)), strict=True)
    read = transformers.AutoTokenizer.from_pretrained(tmp_path)(
        *map(list, pairs), padding=True, return_tensors="pt"
    )
    rows = encode(task, examples(task.kind), TOKENIZER, model.special, 64)
    assert read["input_ids"][0, : int(read["attention_mask"][0].sum())].tolist() == rows[0].sequences[0]
    with torch.no_grad():
        torch.testing.assert_close(theirs(**read).logits, predict(model, rows), rtol=1e-4, atol=1e-5)


def test_transformers_refuses_what_it_has_no_architecture_for(tmp_path):
    transformers = pytest.importorskip("transformers")
    saved(tmp_path, "multiple choice")
    with pytest.raises(ValueError, match="gptrepro-fine-tuned"):
        transformers.AutoModelForSequenceClassification.from_pretrained(tmp_path)


def test_a_damaged_folder_is_one_sentence(tmp_path):
    with pytest.raises(GptreproError, match="gptrepro finetune"):
        load_fine_tuned(tmp_path)
    saved(tmp_path, "classification")
    (tmp_path / "model.safetensors").write_bytes(b"\0" * 20)
    with pytest.raises(GptreproError, match="damaged or do not belong together"):
        load_fine_tuned(tmp_path)
