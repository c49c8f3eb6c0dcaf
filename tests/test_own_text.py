"""Anyone's text: train, stop, go on, evaluate, generate; one sentence for each thing that does not fit."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest
import torch

from gptrepro.errors import GptreproError
from gptrepro.own_text import (
    completions_of,
    continue_prompt,
    open_checkpoint,
    open_model_config,
    open_text,
    open_tokenizer,
    perplexity_of,
    read_completions,
    train_on_text,
)
from gptrepro.tasks.prompted import Item
from gptrepro.train.settings import TrainSettings

SHAPE = {"n_vocab": 280, "n_ctx": 32, "n_layers": 2, "d_model": 32, "n_heads": 2}
TEXT = "The cat sat on the mat. The dog sat on the log. " * 60
SETTINGS = TrainSettings(steps=60, batch_size=8, context=32, peak_lr=5e-3, warmup_steps=5, log_every=20)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a text, a small model's configuration and the checkpoint trained from both."""
    folder = tmp_path_factory.mktemp("own")
    (folder / "own.txt").write_text(TEXT)
    (folder / "model.json").write_text(json.dumps(SHAPE | {"norm": "pre", "dropout": 0, "init_std": 0.1}))
    result = train_on_text(
        model=str(folder / "model.json"),
        text=str(folder / "own.txt"),
        output=folder / "checkpoint",
        tokenizer=None,
        settings=SETTINGS,
        heldout=str(folder / "own.txt"),
    )
    assert result.finished and result.history[-1]["heldout_perplexity"] < 8
    return folder


def test_perplexity_is_the_same_in_tokens_words_and_bytes(folder):
    found = perplexity_of(folder / "checkpoint", str(folder / "own.txt"))
    total = found["tokens"] * found["nll_per_token"]
    assert found["bits_per_byte"] == pytest.approx(total / math.log(2) / len(TEXT), rel=0.01)
    assert found["perplexity_per_token"] < found["perplexity_per_word"]
    overlapping = perplexity_of(folder / "checkpoint", str(folder / "own.txt"), stride=8)
    assert overlapping["tokens"] == found["tokens"]  # other contexts, the same tokens, each once
    assert 0 < abs(overlapping["nll_per_token"] - found["nll_per_token"]) < 0.1


def test_completions_prefer_what_was_read(folder):
    rows = folder / "rows.jsonl"
    rows.write_text(
        "\n".join(
            json.dumps({"context": "The cat sat on the mat. The dog sat on", "completion": completion})
            for completion in (" the log.", " my own .")
        )
    )
    found = completions_of(folder / "checkpoint", rows)
    read, unread = found["scores"]
    assert read["log_likelihood"] > unread["log_likelihood"] + 1
    assert found["mean_log_likelihood"] == pytest.approx(
        found["log_likelihood_per_token"] * (read["n_tokens"] + unread["n_tokens"]) / 2
    )


def test_completions_are_read_from_json_lines(tmp_path):
    path = tmp_path / "rows.jsonl"
    lines = [{"context": "a\u2028", "completion": "b", "id": 1}, {"context": "c", "completion": "d"}]
    path.write_text("\n\n".join(map(json.dumps, lines)))
    assert read_completions(path) == [Item(("a\u2028",), ("b",)), Item(("c",), ("d",))]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "no rows"),
        (b'{"context": "a"}', "Line 1 of"),
        (b'{"context": "a", "completion": "b"}\nnot json', "Line 2 of"),
        (b'{"context": "a", "completion": 3}', "Line 1 of"),
        (b"[1]", "Line 1 of"),
        (b"\xff\xfe", "UTF-8"),
    ],
)
def test_a_file_without_completions_is_explained(tmp_path, content, message):
    path = tmp_path / "rows.jsonl"
    path.write_bytes(content)
    with pytest.raises(GptreproError, match=message):
        read_completions(path)
    with pytest.raises(GptreproError, match="no file of completions"):
        read_completions(tmp_path / "absent.jsonl")


def test_a_prompt_is_continued_as_the_text_goes(folder):
    assert "sat on the" in continue_prompt(folder / "checkpoint", "The cat", tokens=16)
    sampled = [
        continue_prompt(folder / "checkpoint", "The", tokens=8, temperature=2.0, seed=seed)
        for seed in (1, 1, 2)
    ]
    assert sampled[0] == sampled[1] != sampled[2]
    assert "." not in continue_prompt(folder / "checkpoint", "The cat sat on", tokens=24, stop=["."])


def test_transformers_reads_what_was_written(folder):
    transformers = pytest.importorskip("transformers")
    opened = open_checkpoint(folder / "checkpoint")
    theirs = transformers.AutoModelForCausalLM.from_pretrained(folder / "checkpoint").eval()
    ids = torch.tensor([opened.tokenizer.encode("The dog sat on the log.")])
    with torch.no_grad():
        torch.testing.assert_close(opened.model(ids), theirs(ids).logits, rtol=1e-4, atol=1e-4)
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder / "checkpoint")
    assert tokenizer("The dog sat.")["input_ids"] == opened.tokenizer.encode("The dog sat.")


def test_a_stopped_training_goes_on_to_the_same_weights(folder, tmp_path):
    arguments = {
        "model": str(folder / "model.json"),
        "text": str(folder / "own.txt"),
        "output": tmp_path / "checkpoint",
        "tokenizer": None,
        "settings": SETTINGS,
    }
    assert not train_on_text(**arguments, minutes=0.0).finished
    assert train_on_text(**arguments).finished
    straight = open_checkpoint(folder / "checkpoint").model.state_dict()
    resumed = open_checkpoint(tmp_path / "checkpoint").model.state_dict()
    assert all(torch.equal(straight[name], value) for name, value in resumed.items())


def test_what_does_not_fit_is_one_sentence(folder, tmp_path):
    with pytest.raises(GptreproError, match="did you mean"):
        open_model_config("gpt2-125m")
    with pytest.raises(GptreproError, match="no model configuration"):
        open_model_config("missing.json")
    (tmp_path / "odd.json").write_text('{"layers": 3}')
    with pytest.raises(GptreproError, match="its fields are n_vocab"):
        open_model_config(str(tmp_path / "odd.json"))
    (tmp_path / "list.json").write_text("[3]")
    (tmp_path / "words.json").write_text(json.dumps({**SHAPE, "n_layers": "3"}))
    for name in ("list", "words"):
        with pytest.raises(GptreproError, match=r"is not a model configuration .*its fields are n_vocab"):
            open_model_config(str(tmp_path / f"{name}.json"))
    (tmp_path / "half.json").write_text('{"n_vocab": ')
    with pytest.raises(GptreproError, match="not valid JSON"):
        open_model_config(str(tmp_path / "half.json"))
    with pytest.raises(GptreproError, match="no text file"):
        open_text("missing.txt")
    with pytest.raises(GptreproError, match="did you mean plays"):
        open_text("playz-and-poems")
    with pytest.raises(GptreproError, match="no tokenizer 'gpt9'"):
        open_tokenizer("gpt9", open_text(str(folder / "own.txt")), 300)
    with pytest.raises(GptreproError, match="exceeds the model's 32 positions"):
        train_on_text(
            model=str(folder / "model.json"),
            text=str(folder / "own.txt"),
            output=tmp_path / "checkpoint",
            tokenizer=None,
            settings=TrainSettings(steps=1, batch_size=1, context=64, peak_lr=1e-3),
        )
    with pytest.raises(GptreproError):
        open_checkpoint(tmp_path / "nowhere")
