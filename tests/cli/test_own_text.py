"""Train, evaluate and generate on a text of one's own, by the commands alone."""

from __future__ import annotations

import json

import pytest

from gptrepro.train.loop import Interrupted


@pytest.fixture
def training(tmp_path):
    """A command that trains a small model on a small text."""
    (tmp_path / "own.txt").write_text("The cat sat on the mat. The dog sat on the log. " * 40)
    shape = {"n_vocab": 280, "n_ctx": 16, "n_layers": 1, "d_model": 32, "n_heads": 2}
    (tmp_path / "model.json").write_text(json.dumps(shape | {"norm": "pre", "dropout": 0.0, "init_std": 0.1}))
    command = ["train", "--model", str(tmp_path / "model.json"), "--text", str(tmp_path / "own.txt")]
    command += ["--output", str(tmp_path / "checkpoint"), "--steps", "30", "--batch-size", "8"]
    return [*command, "--context", "16", "--learning-rate", "0.01", "--warmup", "3", "--precision", "fp32"]


def test_a_text_is_trained_on_evaluated_and_continued(gptrepro, training, tmp_path):
    (tmp_path / "rows.jsonl").write_text(json.dumps({"context": "The cat", "completion": " sat"}))
    text, folder = str(tmp_path / "own.txt"), str(tmp_path / "checkpoint")
    status, out, err = gptrepro(*training, "--heldout", text)
    assert status == 0, err
    assert "finished: step 30 of 30" in out and "held-out perplexity" in out

    status, out, _ = gptrepro("eval", "perplexity", "--checkpoint", folder, "--text", text, "--json")
    assert status == 0 and 1 < json.loads(out)["perplexity_per_token"] < 200
    rows = str(tmp_path / "rows.jsonl")
    status, out, _ = gptrepro("eval", "completions", "--checkpoint", folder, "--jsonl", rows, "--json")
    assert status == 0 and json.loads(out)["rows"] == 1
    status, out, _ = gptrepro("eval", "perplexity", "--checkpoint", folder, "--text", text, "--context", "8")
    assert status == 0 and "tokens, 8 at once" in out
    status, out, _ = gptrepro("generate", "--checkpoint", folder, "--prompt", "The", "--stop", "at", "--json")
    assert status == 0 and "at" not in json.loads(out)["continuation"]
    (tmp_path / "prompts.txt").write_text("The\nA dog\n")
    several = ("--prompts", str(tmp_path / "prompts.txt"), "--samples", "2", "--tokens", "64")
    status, out, _ = gptrepro("generate", "--checkpoint", folder, *several, "--json")
    assert [(row["prompt"], row["sample"]) for row in json.loads(out)] == [
        (prompt, sample) for prompt in ("The", "A dog") for sample in (0, 1)
    ]
    status, _, err = gptrepro("generate", "--checkpoint", folder)
    assert status == 1 and "Give --prompt" in err


def test_a_program_can_tell_time_is_up_from_finished(gptrepro, training):
    assert gptrepro(*training, "--minutes", "0")[0] == 75
    assert gptrepro(*training)[0] == 0


def test_an_interrupted_training_has_a_status_of_its_own(gptrepro, training, monkeypatch):
    def press(*_, **__):
        raise Interrupted("Stopped by SIGINT.")

    monkeypatch.setattr("gptrepro.own_text.train", press)
    status, _, err = gptrepro(*training)
    assert status == 130 and "Stopped by SIGINT." in err


def test_a_model_that_the_folder_holds_is_not_overwritten(gptrepro, training, tmp_path):
    other = tmp_path / "checkpoint" / "model.safetensors"
    other.parent.mkdir()
    other.write_bytes(b"a year of work")
    status, _, err = gptrepro(*training)
    assert status == 1 and "holds another model (model.safetensors)" in err
    assert other.read_bytes() == b"a year of work"


def test_a_finished_model_is_not_overwritten_by_other_settings(gptrepro, training, tmp_path):
    assert gptrepro(*training)[0] == 0
    written = (tmp_path / "checkpoint" / "model.safetensors").read_bytes()
    status, _, err = gptrepro(*training, "--seed", "5")
    assert status == 1 and "holds a training with seed 0, not 5" in err
    assert (tmp_path / "checkpoint" / "model.safetensors").read_bytes() == written


def test_a_missing_checkpoint_is_one_sentence(gptrepro, tmp_path):
    status, _, err = gptrepro("generate", "--checkpoint", str(tmp_path / "none"), "--prompt", "x")
    assert status == 1 and err.startswith("Error: ") and "none" in err


def test_rows_are_fine_tuned_on_and_scored(gptrepro, training, tmp_path):
    assert gptrepro(*training)[0] == 0
    rows = [
        {"text": f"The {animal} sat {n}", "label": animal} for n in range(20) for animal in ("cat", "dog")
    ]
    (tmp_path / "rows.jsonl").write_text("\n".join(map(json.dumps, rows)))
    command = ["--checkpoint", str(tmp_path / "checkpoint"), "--rows", str(tmp_path / "rows.jsonl")]
    command += ["--output", str(tmp_path / "tuned"), "--epochs", "1"]
    status, _, err = gptrepro("finetune", *command, "--kind", "emotion")
    assert status == 1 and "no kind 'emotion'" in err
    status, out, err = gptrepro("finetune", *command, "--kind", "classification")
    assert status == 0 and "held-out rows: accuracy" in out, err
    tuned = ["--checkpoint", str(tmp_path / "tuned"), "--rows", str(tmp_path / "rows.jsonl")]
    status, out, _ = gptrepro("eval", "labels", *tuned, "--json")
    assert status == 0 and len(json.loads(out)["predictions"]) == 40
