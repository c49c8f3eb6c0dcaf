"""Fine-tuning on anyone's rows, by the command alone."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gptrepro.checkpoints import save_checkpoint
from gptrepro.errors import GptreproError
from gptrepro.own_labels import fine_tune_on_rows, labels_of, recipe_of
from gptrepro.tokenizer import train_byte_level_bpe
from tests.model.small import small_decoder


@pytest.fixture
def places(tmp_path: Path) -> dict[str, Path]:
    """A checkpoint whose positions were trained up to 16, and rows that one word gives away."""
    tokenizer = train_byte_level_bpe(["so good a film, so bad a film. "], 262)
    body = small_decoder(n_vocab=tokenizer.n_vocab, n_layers=1, norm="pre", dropout=0.0)
    save_checkpoint(tmp_path / "base", body, tokenizer, trained_context=16)
    rows = [{"text": f"{word} film {n}", "label": word} for n in range(30) for word in ("good", "bad")]
    (tmp_path / "rows.jsonl").write_text("\n".join(map(json.dumps, rows)))
    return {"checkpoint": tmp_path / "base", "rows": tmp_path / "rows.jsonl", "output": tmp_path / "tuned"}


def test_rows_are_learned_and_predicted(places):
    recipe = recipe_of(epochs=6, batch_size=8, peak_learning_rate=3e-3, lm_weight=0.0)
    found = fine_tune_on_rows(**places, kind="classification", recipe=recipe)
    assert found["rows"] + found["heldout_rows"] == 60 and found["labels"] == ["bad", "good"]
    predicted = labels_of(places["output"], places["rows"])
    assert predicted["accuracy"] > 0.95 and found["accuracy"] > 0.9
    right = sum(row["label"] == row["predicted"] for row in predicted["predictions"])
    assert right == pytest.approx(60 * predicted["accuracy"])


def test_a_model_that_the_folder_holds_is_not_overwritten(places):
    places["output"].mkdir()
    (places["output"] / "model.safetensors").write_bytes(b"a year of work")
    with pytest.raises(GptreproError, match="holds another model"):
        fine_tune_on_rows(**places, kind="classification")
    assert (places["output"] / "model.safetensors").read_bytes() == b"a year of work"
