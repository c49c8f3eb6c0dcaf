"""The declared tasks fit their data, and together they are the paper's twelve data sets."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from gptrepro.errors import GptreproError
from gptrepro.sources.catalogue import catalogue
from gptrepro.tasks.gpt1 import TASKS, find_task
from gptrepro.tasks.labelled import load_task

TABLE_1 = {
    "entailment": {"snli", "mnli-m", "mnli-mm", "qnli", "rte", "scitail"},
    "multiple choice": {"race", "story-cloze-sample"},
    "similarity": {"mrpc", "qqp", "stsb"},
    "classification": {"sst2", "cola"},
}

MIRRORED = {
    "sst2": (6917, 872, 1821),
    "cola": (7642, 892, 1043),
    "sick": (4440, 500, 4927),
    "snli-sample": (8925, 917, 9824),
    "qnli-sample": (4273, 569, 621),
    "rte": (2264, 226, 277),
    "scitail-sample": (1187, 117, 2126),
    "mrpc": (3701, 375, 1725),
    "stsb": (5734, 1500, 1379),
    "qqp-sample": (9004, 996, 10_000),
    "dream": (5530, 586, 2040),
    "commonsenseqa": (8768, 973, 1221),
    "race-m-sample": (1300, 136, 1436),
    "copa-sample": (398, 44, 58),
}
"""Tasks that the mirror serves, with the sizes of their parts: a change of the cut would move test rows."""


def test_every_data_set_of_table_1_is_there_under_its_kind() -> None:
    for kind, names in TABLE_1.items():
        assert {find_task(name).kind for name in names} == {kind}


def test_a_part_in_place_of_the_whole_says_so() -> None:
    for name, task in TASKS.items():
        assert task.note or not name.endswith("-sample"), name
    assert {find_task(name).metrics[0] for name in ("mrpc", "qqp")} == {"f1"}
    assert (find_task("cola").metrics[0], find_task("stsb").metrics) == ("matthews", ("pearson", "spearman"))


@pytest.mark.parametrize("name", TASKS)
def test_the_splits_and_columns_of_a_task_are_in_the_catalogue(name: str) -> None:
    task = TASKS[name]
    assert catalogue().corpus(task.data_set).format == ("text" if task.made_by else "rows")
    for split in task.splits.values():
        hub = catalogue().split(task.data_set, split).hub
        if hub is not None:
            row = dict.fromkeys(hub.column, ["a"] * 9)  # type: ignore[arg-type]
            for template in (*task.texts, *task.answers, task.cut_by):
                assert template.format_map(row) or template == ""
            assert task.label in row


def test_an_unknown_task_lists_near_matches() -> None:
    with pytest.raises(GptreproError, match="no task called 'snli_sample'; did you mean snli-sample"):
        find_task("snli_sample")


@pytest.mark.mirror
@pytest.mark.parametrize("name", MIRRORED)
def test_the_rows_of_the_mirror(mirror: Path, name: str) -> None:
    task = find_task(name)
    data = load_task(task)
    parts = (data.train, data.dev, data.test)
    assert tuple(map(len, parts)) == MIRRORED[name]
    for part in parts:
        assert all(len(one.texts) == len(task.texts) for one in part)
        if task.labels:  # every label occurs, and no label is nearly all
            counts = Counter(one.label for one in part)
            assert counts.keys() == set(range(len(task.labels)))
            assert max(counts.values()) < 0.8 * len(part)
    texts = [{(one.texts, one.answers) for one in part} for part in parts]
    assert not texts[0] & texts[1] and not texts[0] & texts[2]


@pytest.mark.mirror
def test_labels_mean_what_they_are_called(mirror: Path) -> None:
    """Rows read by eye: names in another order than the data's numbers would turn a task round."""

    def label(name: str, *texts: str) -> str:
        task, data = find_task(name), load_task(find_task(name))
        rows = [one for one in (*data.train, *data.dev, *data.test) if one.texts == texts]
        return (rows[0].answers or task.labels)[int(rows[0].label)]

    assert label("sst2", "one long string of cliches .") == "negative"
    assert label("cola", "The sailors rode the breeze clear of the rocks.") == "acceptable"
    watched = ("Two people are kickboxing and spectators are not watching",)
    assert label("sick", *watched, "Two people are kickboxing and spectators are watching") == "CONTRADICTION"
    honey = "Is honey a viable alternative to sugar for diabetics ?"
    laws = "How would you compare the United States ' euthanasia laws to Denmark ?"
    assert label("qqp-sample", honey, laws) == "different"
    shadow = "My body cast a shadow over the grass. What was the cause?"
    assert label("copa-sample", shadow) == "The sun was rising."
