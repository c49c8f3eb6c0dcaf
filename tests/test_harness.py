"""Our checkpoints in lm-evaluation-harness: the figures of our own commands and of the harness's ``hf``."""

from __future__ import annotations

import json
import math
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import torch

from gptrepro.checkpoints import save_checkpoint
from gptrepro.errors import GptreproError
from gptrepro.own_text import completions_of, continue_prompt, open_checkpoint
from gptrepro.tokenizer import Tokenizer, train_byte_level_bpe, train_gpt1_bpe
from tests.model.small import small_decoder

pytest.importorskip("lm_eval")

from lm_eval.api.instance import Instance
from lm_eval.api.registry import get_model

from gptrepro.harness import HarnessModel

TEXT = "The cat sat on the mat.\nThe dog's log was dry. Why? Nobody knows it well.\n" * 20
CONTEXTS = ("The cat", "Why? ", "The cat sat on the mat.\n", "", "The dog's log " * 20)
ENDINGS = (" sat on", "the log was dry", " mat.")
"""A choice; the first ending of each context alone is a cloze."""


def saved(folder: Path, tokenizer: Tokenizer, **shape: Any) -> Path:
    save_checkpoint(folder, small_decoder(n_vocab=tokenizer.n_vocab, **shape), tokenizer)
    return folder


@pytest.fixture(scope="module")
def gpt2(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return saved(tmp_path_factory.mktemp("gpt2"), train_byte_level_bpe([TEXT], 300), norm="pre")


@pytest.fixture(scope="module")
def gpt1(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return saved(tmp_path_factory.mktemp("gpt1"), train_gpt1_bpe([TEXT], 120))


def asked(kind: str, *arguments: tuple[Any, ...]) -> list[Any]:
    return [Instance(kind, {}, one, place) for place, one in enumerate(arguments)]


def choices() -> list[Any]:
    return asked("loglikelihood", *((context, ending) for context in CONTEXTS for ending in ENDINGS))


@pytest.mark.parametrize("folder", ["gpt1", "gpt2"])
def test_log_likelihoods_are_those_of_eval_completions(folder, request, tmp_path):
    checkpoint, rows = request.getfixturevalue(folder), tmp_path / "rows.jsonl"
    questions = [one for one in choices() if one.args[0][-1:].isspace() or one.args[1].startswith(" ")]
    texts = [json.dumps(dict(zip(("context", "completion"), one.args, strict=True))) for one in questions]
    rows.write_text("\n".join(texts))
    ours = [(row["log_likelihood"], row["exact_match"]) for row in completions_of(checkpoint, rows)["scores"]]
    theirs = HarnessModel(checkpoint=str(checkpoint)).loglikelihood(questions, disable_tqdm=True)
    assert [each for each, _ in theirs] == pytest.approx([each for each, _ in ours], abs=1e-5)
    assert [greedy for _, greedy in theirs] == [greedy for _, greedy in ours]


@pytest.fixture(scope="module")
def hf(gpt2: Path) -> Any:
    """The harness's own reading of the folder."""
    pytest.importorskip("transformers")
    return get_model("hf")(pretrained=str(gpt2), device="cpu", dtype="float32")


def test_log_likelihoods_are_those_of_hf(gpt2, hf):
    """A choice and a cloze, with and without a context, and one that is too long."""
    ours = HarnessModel(checkpoint=str(gpt2)).loglikelihood(choices(), disable_tqdm=True)
    theirs = hf.loglikelihood(choices(), disable_tqdm=True)
    assert [each for each, _ in ours] == pytest.approx([each for each, _ in theirs], abs=1e-5)
    assert [greedy for _, greedy in ours] == [greedy for _, greedy in theirs]


def test_rolling_log_likelihoods_are_those_of_hf(gpt2, hf):
    requests = asked("loglikelihood_rolling", (TEXT,), ("Why?",))
    ours = HarnessModel(checkpoint=str(gpt2)).loglikelihood_rolling(requests)
    assert ours == pytest.approx(hf.loglikelihood_rolling(requests, disable_tqdm=True), rel=1e-6)


@pytest.mark.parametrize("folder", ["gpt1", "gpt2"])
def test_answers_are_what_generate_writes(folder, request):
    checkpoint = request.getfixturevalue(folder)
    greedy = {"until": ["."], "max_gen_toks": 9, "do_sample": False}
    sampled = {"until": ["."], "max_gen_toks": 9, "do_sample": True, "temperature": 1.5, "seed": 3}
    requests = asked("generate_until", ("The cat", greedy), ("Why", sampled), ("The dog's log", greedy))
    answers = HarnessModel(checkpoint=str(checkpoint)).generate_until(requests)
    expected = [
        continue_prompt(checkpoint, "The cat", tokens=9, stop=["."]),
        continue_prompt(checkpoint, "Why", tokens=9, stop=["."], temperature=1.5, seed=3),
        continue_prompt(checkpoint, "The dog's log", tokens=9, stop=["."]),
    ]
    assert answers == expected


def test_gpt1_reads_its_own_words_and_line_ends(gpt1):
    """Of two lines each token once, the line end too: not what ``transformers`` makes of the folder."""
    text = "The Dog's log\nwas dry"
    opened = open_checkpoint(gpt1)
    line_end = opened.tokenizer.vocab["\n</w>"]
    ids = [line_end, *opened.tokenizer.encode(text)]
    assert line_end in ids[1:]
    with torch.no_grad():
        log_p = opened.model(torch.tensor([ids[:-1]]))[0].log_softmax(-1)
    expected = sum(float(log_p[i, new]) for i, (_, new) in enumerate(pairwise(ids)))
    model = HarnessModel(checkpoint=str(gpt1))
    (rolling,) = model.loglikelihood_rolling(asked("loglikelihood_rolling", (text,)))
    ((whole, _),) = model.loglikelihood(asked("loglikelihood", ("", text)), disable_tqdm=True)
    assert math.isfinite(rolling) and rolling == pytest.approx(expected, rel=1e-5)
    assert whole == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "needs one"),
        ({"checkpoint": "x", "pretrained": "y"}, "has no pretrained"),
        ({"checkpoint": "absent"}, "absent"),
        ({"context": 1000}, "1000 must lie between 1 and the model's 64"),
    ],
)
def test_arguments_that_make_no_sense_are_explained(gpt2, arguments, message):
    if "context" in arguments:
        arguments = {"checkpoint": str(gpt2), **arguments}
    with pytest.raises(GptreproError, match=message):
        HarnessModel(**arguments)


def test_a_task_is_told_when_it_asks_for_more_than_the_context(gpt2):
    request = asked("generate_until", ("The cat", {"until": [], "max_gen_toks": 64}))
    with pytest.raises(GptreproError, match="leave no room in the context of 64"):
        HarnessModel(checkpoint=str(gpt2)).generate_until(request)


@pytest.mark.stress  # the harness reads its thousands of tasks first
def test_the_command_runs_a_task_of_the_harness(gpt2, tmp_path, monkeypatch, capsys):
    """A task in a file of its own, over rows in another, by ``gptrepro eval harness`` alone."""
    from gptrepro import cli

    rows = [{"before": "The cat", "choices": ["sat on", "log"], "right": 0}] * 4
    (tmp_path / "rows.jsonl").write_text("\n".join(map(json.dumps, rows)))
    task = {
        "task": "own_choice",
        "dataset_path": "json",
        "dataset_kwargs": {"data_files": {"test": str(tmp_path / "rows.jsonl")}},
        "test_split": "test",
        "output_type": "multiple_choice",
        "doc_to_text": "{{before}}",
        "doc_to_choice": "{{choices}}",
        "doc_to_target": "right",
        "metric_list": [{"metric": "acc", "aggregation": "mean", "higher_is_better": True}],
    }
    (tmp_path / "own_choice.yaml").write_text(json.dumps(task))
    monkeypatch.setenv("HF_HOME", str(tmp_path / "cache"))
    options = ["--tasks", "own_choice", "--include_path", str(tmp_path)]
    monkeypatch.setattr("sys.argv", ["gptrepro", "eval", "harness", "--checkpoint", str(gpt2), *options])
    try:
        cli.main()
    except SystemExit as exit_:
        assert not exit_.code
    scores = HarnessModel(checkpoint=str(gpt2)).loglikelihood(
        asked("loglikelihood", ("The cat", " sat on"), ("The cat", " log")), disable_tqdm=True
    )
    right = float(scores[0] > scores[1])
    (row,) = [line for line in capsys.readouterr().out.splitlines() if "own_choice" in line]
    assert f"{right:.0f}" in row.split("|")[7]
