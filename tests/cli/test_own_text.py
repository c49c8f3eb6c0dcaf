"""Train, evaluate and generate on a text of one's own, by the commands alone."""

from __future__ import annotations

import json


def test_a_text_is_trained_on_evaluated_and_continued(gptrepro, tmp_path):
    (tmp_path / "own.txt").write_text("The cat sat on the mat. The dog sat on the log. " * 40)
    shape = {"n_vocab": 280, "n_ctx": 16, "n_layers": 1, "d_model": 32, "n_heads": 2}
    (tmp_path / "model.json").write_text(json.dumps(shape | {"norm": "pre", "dropout": 0.0, "init_std": 0.1}))
    (tmp_path / "rows.jsonl").write_text(json.dumps({"context": "The cat", "completion": " sat"}))
    text, folder = str(tmp_path / "own.txt"), str(tmp_path / "checkpoint")
    training = ["train", "--model", str(tmp_path / "model.json"), "--text", text, "--output", folder]
    training += ["--steps", "30", "--batch-size", "8", "--context", "16", "--learning-rate", "0.01"]
    status, out, err = gptrepro(*training, "--warmup", "3", "--precision", "fp32", "--heldout", text)
    assert status == 0, err
    assert "finished: step 30 of 30" in out and "held-out perplexity" in out

    status, out, _ = gptrepro("eval", "perplexity", "--checkpoint", folder, "--text", text, "--json")
    assert status == 0 and 1 < json.loads(out)["perplexity_per_token"] < 200
    rows = str(tmp_path / "rows.jsonl")
    status, out, _ = gptrepro("eval", "completions", "--checkpoint", folder, "--jsonl", rows, "--json")
    assert status == 0 and json.loads(out)["rows"] == 1
    status, out, _ = gptrepro("generate", "--checkpoint", folder, "--prompt", "The", "--tokens", "4")
    assert status == 0 and out.startswith("The")


def test_a_missing_checkpoint_is_one_sentence(gptrepro, tmp_path):
    status, _, err = gptrepro("generate", "--checkpoint", str(tmp_path / "none"), "--prompt", "x")
    assert status == 1 and err.startswith("Error: ") and "none" in err
