"""Rows become examples, parts do not share rows, and what is wrong with the data is one sentence."""

from __future__ import annotations

import gzip
import hashlib
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from gptrepro.errors import GptreproError
from gptrepro.sources import corpora, tiers
from gptrepro.sources.catalogue import Catalogue
from gptrepro.tasks.labelled import Example, Task, load_task, read_row, subsample

SENTIMENT = Task(
    name="toy",
    title="Toy",
    kind="classification",
    texts=("{sentence}",),
    labels=("bad", "good"),
    splits={"train": "train", "dev": "dev", "test": "test"},
    metrics=("accuracy",),
)
CHOICE = replace(
    SENTIMENT,
    kind="multiple choice",
    texts=("{passage} {question}",),
    answers=("{choices[0]}", "{choices[1]}"),
)
SCORE = replace(SENTIMENT, kind="similarity", texts=("{a}", "{b}"), labels=(), score=(0.0, 5.0))


def row(sentence: str, label: Any) -> dict[str, Any]:
    return {"sentence": sentence, "label": label}


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Put rows into a mirror as the splits of ``toy``, with their true digests in the catalogue."""
    monkeypatch.setenv("GPTREPRO_MIRROR", str(tmp_path))

    def put(**splits: list[Any]) -> None:
        entries = {}
        for name, rows in splits.items():
            lines = [one if isinstance(one, str) else json.dumps(one) for one in rows]
            content = "".join(f"{line}\n" for line in lines).encode()
            (tmp_path / f"{name}.jsonl.gz").write_bytes(gzip.compress(content))
            files = {name: hashlib.sha256(content).hexdigest()}
            entries[name] = {"bytes": 1, "file_sets": [{"mirror": "{name}.jsonl.gz", "files": files}]}
        toy = {"title": "T", "licence": "none", "paper": "none", "format": "rows", "style": "as-is"}
        content = {
            "addresses": {"origin": "x", "release": "x"},
            "releases": {},
            "packages": {},
            "corpora": {"toy": toy | {"splits": entries}},
            "assets": {},
        }
        made = Catalogue.model_validate(yaml.safe_load(yaml.safe_dump(content, sort_keys=False)))
        for module in (corpora, tiers):
            monkeypatch.setattr(module, "catalogue", lambda: made)

    return put


def test_rows_become_examples(write: Any) -> None:
    write(train=[row(" A film. ", 1), row("B", "bad")], dev=[row("C", 0)], test=[row("D", 1)])
    data = load_task(SENTIMENT)
    assert data.train == [Example(("A film.",), 1), Example(("B",), 0)]
    assert (data.dev, data.test) == ([Example(("C",), 0)], [Example(("D",), 1)])


def test_templates_reach_into_lists_and_join_columns() -> None:
    choice = {"passage": "P.", "question": "Q?", "choices": ["x", "y"], "label": 1}
    assert read_row(CHOICE, choice, "Row 1") == Example(("P. Q?",), 1, ("x", "y"))
    assert read_row(SCORE, {"a": "s", "b": "t", "label": 3}, "Row 1") == Example(("s", "t"), 3.0)


def test_a_label_is_a_name_before_it_is_a_number() -> None:
    endings = replace(SENTIMENT, labels=("1", "2"))
    assert [read_row(endings, row("A", label), "") for label in (1, 2, "2")] == [
        Example(("A",), 0),
        Example(("A",), 1),
        Example(("A",), 1),
    ]


def test_rows_without_a_label_are_left_out_and_a_split_without_any_is_refused(write: Any) -> None:
    write(train=[row("A", 1), row("B", -1), row("C", "-")], dev=[row("D", 0)], test=[row("E", 1)])
    assert [one.texts for one in load_task(SENTIMENT).train] == [("A",)]
    write(train=[row("A", 1)], dev=[row("D", 0)], test=[row("E", -1)])
    with pytest.raises(GptreproError, match=r"toy \(test\) has no labelled rows"):
        load_task(SENTIMENT)


@pytest.mark.parametrize(
    ("task", "wrong", "complaint"),
    [
        (SENTIMENT, row("A", 2), "Row 2 .*label 2, which is none of bad, good"),
        (SENTIMENT, row("A", "great"), "label 'great'"),
        (SENTIMENT, row("A", True), "label True"),
        (SENTIMENT, row("A", 0.5), r"label 0\.5"),
        (SENTIMENT, row("", 1), "has no 'sentence', or an empty one"),
        (SENTIMENT, row(" \n", 1), "has no 'sentence', or an empty one"),
        (SENTIMENT, {"sentence": "A"}, "has no 'label'"),
        (SENTIMENT, {"label": 1}, "has no 'sentence'"),
        (SENTIMENT, row(None, 1), "has no 'sentence'"),  # type: ignore[arg-type]
        (CHOICE, {"passage": "P", "question": "Q", "choices": ["x"], "label": 0}, "fewer than 2 answers"),
        (CHOICE, {"passage": "P", "question": "Q", "choices": ["x", " "], "label": 0}, "has an empty text"),
        (SCORE, {"a": "s", "b": "t", "label": 5.5}, r"score 5\.5, which is not from 0\.0 to 5\.0"),
        (SCORE, {"a": "s", "b": "t", "label": "high"}, "score 'high'"),
    ],
)
def test_a_wrong_row_is_one_sentence(task: Task, wrong: dict[str, Any], complaint: str) -> None:
    with pytest.raises(GptreproError, match=complaint) as caught:
        read_row(task, wrong, "Row 2 of toy (train)")
    assert str(caught.value).endswith("correct the data.") and "\n" not in str(caught.value)


@pytest.mark.parametrize("line", ["[1, 2]", "{half a", "[" * 50_000, '"text"', "null"])
def test_a_line_that_is_no_object_is_named(write: Any, line: str) -> None:
    write(train=[row("A", 1), line], dev=[row("D", 0)], test=[row("E", 1)])
    with pytest.raises(
        GptreproError, match=r"Row 2 of toy \(train\) is not (valid JSON|a JSON object) .*: correct"
    ):
        load_task(SENTIMENT)


def test_a_missing_split_names_those_that_exist(write: Any) -> None:
    write(train=[row("A", 1)], test=[row("E", 1)])
    with pytest.raises(GptreproError, match="no split of toy called 'dev': it has train, test"):
        load_task(SENTIMENT)


def test_training_rows_that_are_also_held_out_are_dropped(write: Any) -> None:
    write(train=[row("A", 1), row("B", 0), row("D", 1)], dev=[row("D", 0)], test=[row("A", 1)])
    assert [one.texts for one in load_task(SENTIMENT).train] == [("B",)]


def test_missing_parts_are_cut_out_of_training_and_share_nothing(write: Any) -> None:
    rows = [row(f"passage {i // 4}: hypothesis {i % 4}", i % 2) for i in range(4000)]
    cut = replace(SENTIMENT, splits={"train": "train"}, cut_by="{sentence:.11}")
    write(train=rows)
    data = load_task(cut)
    parts = [data.train, data.dev, data.test]
    assert sum(map(len, parts)) == 4000
    assert 300 < len(data.dev) < 500 and 300 < len(data.test) < 500
    groups = [{one.texts[0][:11] for one in part} for part in parts]
    assert not groups[0] & groups[1] and not groups[0] & groups[2] and not groups[1] & groups[2]
    write(train=rows[::-1])  # a row keeps its part whatever stands beside it
    assert set(load_task(cut).dev) == set(data.dev)
    write(train=rows, test=[row("unseen", 1)])
    only_dev = load_task(replace(cut, splits={"train": "train", "test": "test"}))
    assert only_dev.dev == data.dev and len(only_dev.test) == 1


def test_fewer_rows_are_among_more_rows() -> None:
    examples = [Example((str(i),), i % 2) for i in range(1000)]
    chosen = {n: set(subsample(examples, n, seed=7)) for n in (100, 500, 1000)}
    assert [len(some) for some in chosen.values()] == [100, 500, 1000]
    assert chosen[100] < chosen[500] < chosen[1000]
    assert subsample(examples, 100, seed=7) == subsample(examples, 100, seed=7)
    assert set(subsample(examples, 100, seed=8)) != chosen[100]
    assert sum(int(one.texts[0]) < 500 for one in chosen[100]) in range(30, 70)
    for n in (0, 1001):
        with pytest.raises(GptreproError, match="There are 1,000 examples to choose from"):
            subsample(examples, n, seed=7)


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"labels": ()}, "either labels or the range"),
        ({"score": (0.0, 1.0)}, "either labels or the range"),
        ({"texts": ("{a}", "{b}")}, "another number than its kind"),
        ({"answers": ("{a}", "{b}")}, "an answer for each label"),
        ({"kind": "multiple choice", "answers": ("{a}",)}, "an answer for each label"),
        ({"splits": {"train": "train"}}, "state cut_by"),
    ],
)
def test_a_task_that_contradicts_itself_cannot_be_declared(changes: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        replace(SENTIMENT, **changes)
