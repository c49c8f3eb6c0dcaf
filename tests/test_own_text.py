"""Anyone's text: train, stop, go on, evaluate, generate; one sentence for each thing that does not fit."""

from __future__ import annotations

import json
import math
import shutil
import sys
import types
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from gptrepro.checkpoints import save_checkpoint
from gptrepro.errors import GptreproError
from gptrepro.generation.sampling import generate
from gptrepro.model import Decoder, DecoderConfig
from gptrepro.own_inputs import open_model_config, open_text
from gptrepro.own_text import (
    completions_of,
    continue_prompt,
    continue_prompts,
    open_checkpoint,
    perplexity_of,
    read_completions,
    read_prompts,
    train_on_text,
)
from gptrepro.sources.own_files import open_own_text
from gptrepro.tasks.prompted import Item
from gptrepro.text.shards import write_shards
from gptrepro.tokenizer import load_tokenizer
from gptrepro.tokenizer.chosen import open_tokenizer
from gptrepro.train.loggers import open_logger
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
        texts = theirs(ids).logits[..., : opened.tokenizer.n_vocab]  # and not what the table is padded to
        torch.testing.assert_close(opened.model(ids), texts, rtol=1e-4, atol=1e-4)
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


OTHER = "My own lodging is a house by the sea. Nobody calls on me there. " * 60


def begin(folder: Path, output: Path, **changes: Any) -> Any:
    """Start a training and stop it after its first update."""
    arguments: dict[str, Any] = {
        "model": str(folder / "model.json"),
        "text": str(folder / "own.txt"),
        "tokenizer": "train-gpt2",
        "settings": SETTINGS,
        "minutes": 0.0,
    }
    return train_on_text(output=output, **arguments | changes)


def changes(folder: Path, tmp_path: Path) -> dict[str, dict[str, Any]]:
    """What a later call may ask for that its tokenizer does not fit."""
    (tmp_path / "other.txt").write_text(OTHER)
    (tmp_path / "smaller.json").write_text(
        json.dumps(json.loads((folder / "model.json").read_text()) | {"n_vocab": 270})
    )
    open_tokenizer("train-gpt2", open_text(str(tmp_path / "other.txt")), 270).save(tmp_path / "saved")
    return {
        "text": {"text": str(tmp_path / "other.txt")},
        "kind": {"tokenizer": "train-gpt1"},
        "folder": {"tokenizer": str(tmp_path / "saved")},
        "size": {"model": str(tmp_path / "smaller.json")},
    }


@pytest.mark.parametrize("origin", [True, False], ids=["", "kept by an earlier version"])
def test_a_training_goes_on_with_its_tokenizer_or_is_refused(folder, tmp_path, origin):
    output = tmp_path / "checkpoint"
    begin(folder, output)
    if not origin:
        (output / "training" / "tokenizer" / "origin.json").unlink()
    for changed in changes(folder, tmp_path).values():
        with pytest.raises(GptreproError, match=r"has a tokenizer made by .*, not by "):
            begin(folder, output, **changed)
    assert begin(folder, output).step == 2


@pytest.mark.parametrize("changed", ["text", "kind", "folder", "size"])
def test_a_refused_call_leaves_nothing_that_a_later_one_finds(folder, tmp_path, changed):
    output, asked = tmp_path / "checkpoint", changes(folder, tmp_path)[changed]
    (tmp_path / "tiny.txt").write_text("a tiny text, too short.")
    (tmp_path / "blank.txt").write_text(" ")
    for refused in (
        {"text": str(tmp_path / "tiny.txt")},
        {"heldout": str(tmp_path / "blank.txt")},
        {"heldout": str(tmp_path / "missing.txt")},
        {"settings": replace(SETTINGS, context=33)},
        {"tokenizer": "gpt9"},
    ):
        with pytest.raises(GptreproError):
            begin(folder, output, **asked | refused)
        assert not output.exists()
    begin(folder, output, **asked)
    choice = {"tokenizer": "train-gpt2", "text": str(folder / "own.txt"), "model": str(folder / "model.json")}
    choice |= asked
    fresh = open_tokenizer(
        choice["tokenizer"], open_text(choice["text"]), open_model_config(choice["model"]).n_vocab
    )
    assert load_tokenizer(output).digest == fresh.digest


@pytest.fixture(scope="module")
def short(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, float]:
    """A model with 32 positions that was trained on 8, and its perplexity of the text after the training."""
    output = tmp_path_factory.mktemp("short") / "checkpoint"
    result = train_on_text(
        model=str(folder / "model.json"),
        text=str(folder / "own.txt"),
        output=output,
        tokenizer=None,
        settings=replace(SETTINGS, context=8),
        heldout=str(folder / "own.txt"),
    )
    return output, result.history[-1]["heldout_perplexity"]


def test_evaluation_reads_as_much_at_once_as_training_did(short, folder):
    output, perplexity = short
    text = str(folder / "own.txt")
    found = perplexity_of(output, text)
    assert (found["context"], found["perplexity_per_token"]) == (8, pytest.approx(perplexity, rel=1e-5))
    wider = perplexity_of(output, text, context=32)
    assert wider["context"] == 32 and abs(wider["perplexity_per_token"] / perplexity - 1) > 1e-3
    for wrong in (0, -1, 33):
        with pytest.raises(GptreproError, match=f"--context {wrong} must lie between 1 and the model's 32"):
            perplexity_of(output, text, context=wrong)
    with pytest.raises(GptreproError, match="stride must lie between 1 and the context of 8"):
        perplexity_of(output, text, stride=9)


def test_completions_and_prompts_fit_what_was_trained(short, folder):
    output, _ = short
    rows = folder / "long.jsonl"
    rows.write_text(json.dumps({"context": "The cat sat on the mat. " * 3, "completion": " The"}))
    dropped = [completions_of(output, rows, context=c)["scores"][0]["dropped"] for c in (None, 8, 32)]
    assert dropped[0] == dropped[1] > dropped[2]
    tokenizer = open_checkpoint(output).tokenizer
    written = continue_prompt(output, "The cat")  # eight times as much as it reads at once
    assert len(tokenizer.encode("The cat" + written)) > 32
    assert written.startswith(continue_prompt(output, "The cat", tokens=8 - len(tokenizer.encode("The cat"))))
    with pytest.raises(GptreproError, match="--context 33 must lie"):
        continue_prompt(output, "The cat", context=33)


def test_samples_of_prompts_are_drawn_by_their_place(short):
    output, _ = short
    found = continue_prompts(output, ["The cat", "The dog"], samples=2, tokens=6, temperature=3.0, seed=5)
    drawn = [
        [continue_prompt(output, prompt, tokens=6, temperature=3.0, seed=seed) for seed in seeds]
        for prompt, seeds in (("The cat", (5, 6)), ("The dog", (7, 8)))
    ]
    assert found == drawn and len({*found[0], *found[1]}) == 4


def test_the_best_weights_are_kept_and_a_share_of_the_text_held_out(tmp_path):
    text = tmp_path / "own.txt"
    text.write_text(TEXT)
    (tmp_path / "model.json").write_text(json.dumps(SHAPE | {"norm": "pre", "dropout": 0}))

    def run(name, **more):
        settings = TrainSettings(
            steps=12, batch_size=4, context=8, peak_lr=2.0, warmup_steps=12, evaluate_every=2, log_every=1
        )
        return train_on_text(
            model=str(tmp_path / "model.json"),
            text=str(text),
            output=tmp_path / name,
            tokenizer=None,
            settings=settings,
            **more,
        )

    result = run("best", heldout_share=0.2, keep_best=True)
    evaluated = [row["heldout_nll"] for row in result.history if "heldout_nll" in row]
    assert len(evaluated) == 6 and min(evaluated) < evaluated[-1], "the rate is meant to end badly"
    heldout = tmp_path / "heldout.txt"
    heldout.write_text("".join(open_own_text(str(text)).divided(0.2)[1].documents()))
    found = perplexity_of(tmp_path / "best", str(heldout))
    assert found["nll_per_token"] == pytest.approx(min(evaluated), rel=1e-4)
    with pytest.raises(GptreproError, match="not both"):
        run("both", heldout_share=0.2, heldout=str(heldout))
    with pytest.raises(GptreproError, match="To keep the best weights"):
        run("blind", keep_best=True)


def test_rows_go_to_a_logger_as_they_come(tmp_path, monkeypatch):
    shown: list = []
    module = types.ModuleType("trackio")
    module.init = lambda **about: shown.append(about["config"]["steps"])
    module.log = lambda row, step: shown.append((step, sorted(row)))
    monkeypatch.setitem(sys.modules, "trackio", module)
    report = open_logger("trackio", tmp_path, "a run", {"steps": 3})
    report({"step": 1, "loss": 2.0, "lr": 0.1})
    assert shown == [3, (1, ["loss", "lr"])]
    with pytest.raises(GptreproError, match="no logger 'paper': choose tensorboard, trackio, wandb"):
        open_logger("paper", tmp_path, "a run", {})


def test_prompts_are_lines_or_rows(tmp_path):
    lines, rows = tmp_path / "p.txt", tmp_path / "p.jsonl"
    lines.write_text("One.\n\n  Two.\n")
    rows.write_text('{"prompt": "One."}\n{"prompt": "Two\\nlines.", "id": 3}\n')
    assert read_prompts(lines) == ["One.", "  Two."]
    assert read_prompts(rows) == ["One.", "Two\nlines."]
    lines.write_text("\n")
    with pytest.raises(GptreproError, match="holds no prompts"):
        read_prompts(lines)


@pytest.mark.parametrize("stated", [0, 33, "8", 8.0, True, None])
def test_a_trained_context_that_cannot_be_is_refused(short, tmp_path, stated):
    copy = shutil.copytree(short[0], tmp_path / "copy", ignore=shutil.ignore_patterns("training"))
    content = json.loads((copy / "config.json").read_text())
    (copy / "config.json").write_text(json.dumps(content | {"trained_context": stated}))
    with pytest.raises(GptreproError, match="states the trained_context"):
        open_checkpoint(copy)
    del content["trained_context"]
    (copy / "config.json").write_text(json.dumps(content))
    assert open_checkpoint(copy).trained_context == 32


@pytest.mark.parametrize("norm", ["post", "pre"])
def test_ids_without_a_text_are_neither_written_nor_weighed(folder, tmp_path, norm):
    """The same weights with and without rows that a vocabulary was padded with, which would always win."""
    tokenizer = open_checkpoint(folder / "checkpoint").tokenizer
    torch.manual_seed(4)
    shape = SHAPE | {"n_vocab": tokenizer.n_vocab, "norm": norm, "init_std": 0.3}
    plain = Decoder(DecoderConfig(**shape)).eval()
    padded = Decoder(DecoderConfig(**shape | {"n_vocab": 384})).eval()
    weights = plain.state_dict()
    likeliest = weights["wte.weight"][:1].repeat(384 - tokenizer.n_vocab, 1) * 50
    padded.load_state_dict(weights | {"wte.weight": torch.cat([weights["wte.weight"], likeliest])})
    (tmp_path / "rows.jsonl").write_text(json.dumps({"context": "The cat", "completion": " sat on"}))
    found = []
    for name, model in (("plain", plain), ("padded", padded)):
        save_checkpoint(tmp_path / name, model, tokenizer)
        completions = completions_of(tmp_path / name, tmp_path / "rows.jsonl")
        assert completions["scores"][0]["n_tokens"] > 0
        found.append(
            (
                continue_prompt(tmp_path / name, "The cat", tokens=16),
                continue_prompt(tmp_path / name, "The cat", tokens=16, temperature=1.5, seed=3),
                pytest.approx(completions["mean_log_likelihood"], rel=1e-5),
                pytest.approx(
                    perplexity_of(tmp_path / name, str(folder / "own.txt"))["nll_per_token"], rel=1e-5
                ),
            )
        )
    assert found[0] == found[1]
    larger = open_tokenizer("train-gpt2", open_text(str(folder / "own.txt")), 300)
    small = Decoder(DecoderConfig(**shape | {"n_vocab": larger.n_vocab - 1}))
    save_checkpoint(tmp_path / "small", small, larger)
    with pytest.raises(GptreproError, match=r"has \d+ tokens and its model only \d+ embeddings"):
        open_checkpoint(tmp_path / "small")


@pytest.mark.parametrize("prompt", ["The cat sat", "The cat sat ", "the CAT   sat\n", "The cat."])
def test_gpt1_goes_on_after_a_space_as_it_decodes(folder, tmp_path, prompt):
    tokenizer = open_tokenizer("train-gpt1", open_text(str(folder / "own.txt")), 120)
    torch.manual_seed(4)
    model = Decoder(DecoderConfig(**SHAPE | {"n_vocab": tokenizer.n_vocab, "init_std": 0.3})).eval()
    save_checkpoint(tmp_path, model, tokenizer)
    before = tokenizer.encode(prompt)
    whole = tokenizer.decode(before + generate(model, [before], 9)[0])
    continued = prompt + continue_prompt(tmp_path, prompt, tokens=9)
    decoded = tokenizer.decode(before)
    assert whole.startswith(decoded + " ")
    assert continued == prompt + whole[len(decoded) :].removeprefix(" " if prompt[-1].isspace() else "")


def test_special_tokens_of_a_prompt_are_read_on_request(folder):
    letters = continue_prompt(folder / "checkpoint", "<|endoftext|>", tokens=8)
    assert continue_prompt(folder / "checkpoint", "", tokens=8) == continue_prompt(
        folder / "checkpoint", "<|endoftext|>", tokens=8, special_tokens=True
    )
    assert letters == continue_prompt(folder / "checkpoint", "<|endoftext|>", tokens=8, special_tokens=False)


def test_documents_of_a_file_end_with_a_token(folder, tmp_path):
    stories = tmp_path / "stories.txt"
    stories.write_text("\n<|endoftext|>\n".join(["The cat sat on the mat."] * 150))
    counts = []
    for separator in (None, "none"):
        train_on_text(
            model=str(folder / "model.json"),
            text=str(stories),
            output=tmp_path / f"{separator}",
            tokenizer="train-gpt2",
            settings=replace(SETTINGS, steps=2, warmup_steps=1),
            separator=separator,
        )
        opened = open_checkpoint(tmp_path / f"{separator}")
        shards = write_shards(open_text(str(stories), separator=separator), opened.tokenizer, tmp_path)
        counts.append(int((shards.tokens == opened.tokenizer.end_of_text).sum()))
    assert counts == [150, 1]


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
    (tmp_path / "odd.json").write_text(json.dumps({**SHAPE, "d_model": 33}))
    with pytest.raises(
        GptreproError, match=r"odd.json is no usable model configuration \(d_model 33 is not a mul"
    ):
        open_model_config(str(tmp_path / "odd.json"))
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
            settings=TrainSettings(steps=2, batch_size=1, context=64, peak_lr=1e-3),
        )
    with pytest.raises(GptreproError):
        open_checkpoint(tmp_path / "nowhere")


def test_a_training_goes_on_from_a_checkpoint(folder, tmp_path):
    """One update from a folder's weights, with its tokenizer, at a rate that leaves them nearly alone."""
    result = train_on_text(
        model=str(folder / "checkpoint"),
        text=str(folder / "own.txt"),
        output=tmp_path / "further",
        tokenizer=None,
        settings=replace(SETTINGS, steps=1, warmup_steps=1, peak_lr=1e-7),
    )
    assert result.finished
    before, after = (open_checkpoint(place) for place in (folder / "checkpoint", tmp_path / "further"))
    assert after.tokenizer.digest == before.tokenizer.digest
    weights = after.model.state_dict()
    for name, value in before.model.state_dict().items():
        torch.testing.assert_close(weights[name], value, rtol=0, atol=1e-6)
