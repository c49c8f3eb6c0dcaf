"""Records of layout 1 say the same in layout 2, and what was derived is left out."""

from __future__ import annotations

import pytest

from gptrepro.errors import GptreproError
from tools.convert_records import converted, rows_of

_TASKS = {"tasks": {"sick": [100, 2000]}, "arms": {"full": {"layers": 4}, "scratch": {"layers": None}}}


@pytest.mark.parametrize(
    ("experiment", "config", "name", "row"),
    [
        ("background-positions", {}, "nll_end_none", {"score": "nll", "arm": "none", "span": "end"}),
        ("background-positions", {}, "nll_none_from_8", {"score": "nll", "arm": "none", "position": 8}),
        ("background-seq2seq", {}, "fixed_per", {"score": "phoneme_error", "arm": "fixed"}),
        ("background-seq2seq", {}, "fixed_wer_12_up", {"score": "word_error", "arm": "fixed", "letters": 13}),
        ("background-seq2seq", {}, "words_6_7", {"score": "words", "letters": 6.5}),
        ("background-seq2seq", {}, "attention_dev_nll", {"score": "dev_nll", "arm": "attention"}),
        ("background-seq2seq", {}, "forward_steps", {"score": "forward_steps", "order": "written"}),
        ("background-seq2seq", {}, "bottleneck_per_6_7", None),
        (
            "gpt1-pretraining",
            {},
            "heldout_nll_at_1_64",
            {"score": "heldout_nll", "arm": "decoder", "fraction": 1 / 64},
        ),
        ("gpt1-lstm-pretraining", {}, "epochs", {"score": "epochs", "arm": "lstm"}),
        (
            "gpt1-learning-rate",
            {},
            "heldout_nll_at_0.002",
            {"score": "heldout_nll", "arm": "decoder", "rate": 0.002},
        ),
        ("gpt1-learning-rate", {}, "best_rate", None),
        (
            "gpt1-fine-tuning-settings",
            {"tasks": {}},
            "dev_no_aux_at_0.0005_for_150",
            {"score": "dev_mean", "arm": "no_aux", "rate": 0.0005, "updates": 150},
        ),
        (
            "gpt1-fine-tuning",
            _TASKS,
            "sick_full_at_100",
            {"score": "accuracy", "task": "sick", "arm": "full", "rows": 100, "layers": 4},
        ),
        (
            "gpt1-fine-tuning",
            _TASKS,
            "sick_scratch_at_100",
            {"score": "accuracy", "task": "sick", "arm": "scratch", "rows": 100},
        ),
        (
            "gpt1-fine-tuning",
            _TASKS,
            "sick_bag_of_words",
            {"score": "accuracy", "task": "sick", "arm": "bag_of_words", "rows": 2000},
        ),
        ("gpt1-fine-tuning", _TASKS, "average_full", None),
        (
            "gpt1-lstm-zero-shot",
            {},
            "accuracy_corrected_questions_lstm_at_1_4",
            {"score": "accuracy_corrected", "task": "questions", "arm": "lstm", "fraction": 0.25},
        ),
        (
            "gpt1-zero-shot",
            {},
            "log_p_last_word_decoder_at_0_1",
            {"score": "log_likelihood", "task": "last_word", "arm": "decoder", "fraction": 0},
        ),
        ("gpt1-zero-shot", {}, "skill_decoder_at_1_2", None),
    ],
)
def test_a_name_becomes_coordinates(experiment, config, name, row) -> None:
    assert rows_of(experiment, config, {name: 0.25}) == ([] if row is None else [{"value": 0.25} | row])


def test_the_score_that_stands_for_a_heuristic_is_put_on_the_way_from_guessing_to_no_mistake() -> None:
    rows = rows_of("gpt1-zero-shot", {}, {"accuracy_questions_decoder_at_1_1": 0.4})
    assert [(row["score"], row["value"]) for row in rows] == [("accuracy", 0.4), ("relative", 0.25)]


_LSTM = {
    "corpus": "books",
    "corpus_tokens": None,
    "tokenizer_documents": None,
    "n_vocab": 6000,
    "n_ctx": 128,
    "n_layers": 4,
    "d_model": 160,
    "n_heads": 5,
    "init_std": 0.044,
    "tokens": 4_000_000,
    "batch_size": 16,
    "warmup_updates": 100,
    "weight_decay": 0.01,
    "heldout_tokens": 131_072,
    "dropout": 0.0,
    "peak_learning_rate": 0.04,
    "units": None,
}


def test_runs_and_settings_stay() -> None:
    run = {
        "seed": 100,
        "metrics": {"heldout_nll_at_1_1": 5.4},
        "history": [{"loss": 5.5}],
        "matrices": {},
        "tokens": 10,
        "flops": 1e3,
        "wall_seconds": 2.5,
        "hardware": {"processor": "a", "cores": 2, "threads": 1, "accelerator": None},
        "versions": {"torch": "2"},
        "commit": "c" * 40,
        "finished": "2026-11-25",
    }
    old = {
        "layout": 1,
        "experiment": "gpt1-lstm-pretraining",
        "version": 1,
        "scale": "laptop",
        "config": _LSTM,
        "data": [],
        "tokenizer": "a" * 64,
        "digest": "d" * 64,
        "runs": [run],
    }
    record = converted(old)
    now = record.runs[0].model_dump(mode="json")
    assert now["commits"] == ["c" * 40] and now["precision"] == "not recorded"
    assert all(now[name] == run[name] for name in run.keys() - {"metrics", "commit"})
    network = record.config["network"]
    assert (network["kind"], network["units"], network["beside"]["init_std"]) == ("lstm", None, 0.044)
    of_network = {"n_layers", "d_model", "n_heads", "init_std", "dropout", "units"}
    assert all(record.config[name] == _LSTM[name] for name in _LSTM.keys() - of_network)
    with pytest.raises(GptreproError, match="layout 1"):
        converted(record.model_dump(mode="json"))
