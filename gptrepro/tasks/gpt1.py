"""The tasks that GPT-1 is fine-tuned on (Radford et al. 2018, Table 1), and stand-ins that a laptop can have.

A task with the name of the paper's data set is that data set. Where one differs from it, its ``note`` says
so; what is trained on another part than the paper's is called ``...-sample``.
"""

from __future__ import annotations

import difflib
from dataclasses import replace

from gptrepro.errors import GptreproError
from gptrepro.tasks.from_text import continuations, word_orders
from gptrepro.tasks.labelled import Task

_NLI = ("entailment", "neutral", "contradiction")

_SNLI = Task(
    name="snli",
    title="SNLI",
    kind="entailment",
    texts=("{premise}", "{hypothesis}"),
    labels=_NLI,
    splits={"train": "train", "dev": "dev", "test": "test"},
    metrics=("accuracy",),
)
_MNLI = Task(
    name="mnli-m",
    title="MultiNLI, matched",
    kind="entailment",
    texts=("{premise}", "{hypothesis}"),
    labels=_NLI,
    splits={"train": "train", "test": "matched"},
    metrics=("accuracy",),
    cut_by="{premise}",
    source="mnli",
    note="The test labels are not public: scored on the development set.",
)
_QNLI = Task(
    name="qnli",
    title="QNLI",
    kind="entailment",
    texts=("{question}", "{sentence}"),
    labels=("entailment", "not_entailment"),
    splits={"train": "train", "test": "dev"},
    metrics=("accuracy",),
    cut_by="{question}",
    note="The test labels are not public: scored on the development set.",
)
_SCITAIL = Task(
    name="scitail",
    title="SciTail",
    kind="entailment",
    texts=("{premise}", "{hypothesis}"),
    labels=("entails", "neutral"),
    splits={"train": "train", "dev": "dev", "test": "test"},
    metrics=("accuracy",),
)
_QQP = Task(
    name="qqp",
    title="QQP",
    kind="similarity",
    texts=("{question1}", "{question2}"),
    labels=("different", "duplicate"),
    splits={"train": "train", "test": "dev"},
    metrics=("f1", "accuracy"),
    cut_by="{question1}",
    note="The test labels are not public: scored on the development set.",
)
_RACE = Task(
    name="race",
    title="RACE",
    kind="multiple choice",
    texts=("{article} {question}",),
    answers=("{choices[0]}", "{choices[1]}", "{choices[2]}", "{choices[3]}"),
    labels=("A", "B", "C", "D"),
    splits={"train": "train", "dev": "dev", "test": "test"},
    metrics=("accuracy",),
)
_CONTINUATION = Task(
    name="novel-continuation",
    title="Next sentence, novels",
    kind="multiple choice",
    texts=("{passage}",),
    answers=("{endings[0]}", "{endings[1]}"),
    labels=("first", "second"),
    splits={"train": "heldout"},
    metrics=("accuracy",),
    cut_by="{stretch}",
    cuts=6,
    made_by=continuations,
    source="novels-unread",
    note=(
        "Not in the paper: made of four novels by authors whom pre-training does not read; stands in for "
        "Story Cloze. The wrong ending comes from nearby pages of the same novel."
    ),
)
_WORD_ORDER = Task(
    name="novel-word-order",
    title="Word order, novels",
    kind="classification",
    texts=("{sentence}",),
    labels=("disturbed", "in order"),
    splits={"train": "heldout"},
    metrics=("matthews", "accuracy"),
    cut_by="{stretch}",
    cuts=6,
    made_by=word_orders,
    source="novels-unread",
    note=(
        "Not in the paper: made of four novels by authors whom pre-training does not read; stands in for "
        "CoLA. In a disturbed sentence three neighbouring words stand in reverse order."
    ),
)
_FROM_PLAYS = "Made of held-out plays, where no novels are at hand."
_A_PART = "Trained on {}, of which a tenth is cut off to choose settings by; the training set is not used."

TASKS: dict[str, Task] = {
    task.name: task
    for task in (
        # classification
        Task(
            name="sst2",
            title="SST-2, full sentences",
            kind="classification",
            texts=("{sentence}",),
            labels=("negative", "positive"),
            splits={"train": "train", "dev": "dev", "test": "test"},
            metrics=("accuracy",),
            note="Trained on the 6,920 full sentences; GLUE's training set has 67,349 phrases of them.",
        ),
        Task(
            name="cola",
            title="CoLA",
            kind="classification",
            texts=("{sentence}",),
            labels=("unacceptable", "acceptable"),
            splits={"train": "train", "test": "dev"},
            metrics=("matthews", "accuracy"),
            cut_by="{sentence}",
            note="The test labels are not public: scored on both development sets together.",
        ),
        # entailment
        Task(
            name="sick",
            title="SICK",
            kind="entailment",
            texts=("{sentence_A}", "{sentence_B}"),
            labels=("ENTAILMENT", "NEUTRAL", "CONTRADICTION"),
            splits={"train": "train", "dev": "dev", "test": "test"},
            metrics=("accuracy",),
            note="Not in the paper: a small data set of the kind of SNLI, with a complete training set.",
        ),
        _SNLI,
        replace(
            _SNLI,
            name="snli-sample",
            title="SNLI, development set",
            splits={"train": "dev", "test": "test"},
            cut_by="{premise}",
            source="",
            note=_A_PART.format("the development pairs, in lower case and without punctuation"),
        ),
        _MNLI,
        replace(
            _MNLI,
            name="mnli-mm",
            title="MultiNLI, mismatched",
            splits={"train": "train", "test": "mismatched"},
        ),
        _QNLI,
        replace(
            _QNLI,
            name="qnli-sample",
            title="QNLI, development set",
            splits={"train": "dev"},
            note="Trained and tested on the development pairs: a tenth of the questions for testing.",
        ),
        Task(
            name="rte",
            title="RTE",
            kind="entailment",
            texts=("{sentence1}", "{sentence2}"),
            labels=("entailment", "not_entailment"),
            splits={"train": "train", "test": "dev"},
            metrics=("accuracy",),
            cut_by="{sentence1}",
            note="The test labels are not public: scored on the development set.",
        ),
        _SCITAIL,
        replace(
            _SCITAIL,
            name="scitail-sample",
            title="SciTail, development set",
            splits={"train": "dev", "test": "test"},
            cut_by="{hypothesis}",
            note=_A_PART.format("the development pairs"),
        ),
        # similarity
        Task(
            name="mrpc",
            title="MRPC",
            kind="similarity",
            texts=("{sentence1}", "{sentence2}"),
            labels=("different", "paraphrase"),
            splits={"train": "train", "test": "test"},
            metrics=("f1", "accuracy"),
            cut_by="{sentence1}",
        ),
        Task(
            name="stsb",
            title="STS-B",
            kind="similarity",
            texts=("{sentence1}", "{sentence2}"),
            score=(0.0, 5.0),
            label="score",
            splits={"train": "train", "dev": "dev", "test": "test"},
            metrics=("pearson", "spearman"),
        ),
        _QQP,
        replace(
            _QQP,
            name="qqp-sample",
            title="QQP, development set",
            splits={"train": "dev", "test": "test"},
            note=_A_PART.format("the development pairs of another split, as many duplicates as others"),
        ),
        # multiple choice
        Task(
            name="dream",
            title="DREAM",
            kind="multiple choice",
            texts=("{dialogue} {question}",),
            answers=("{choices[0]}", "{choices[1]}", "{choices[2]}"),
            labels=("A", "B", "C"),
            splits={"train": "train", "test": "dev"},
            metrics=("accuracy",),
            cut_by="{dialogue}",
            note="Not in the paper: it stands in for RACE, another set of English examinations.",
        ),
        Task(
            name="commonsenseqa",
            title="CommonsenseQA",
            kind="multiple choice",
            texts=("{question}",),
            answers=("{choices[0]}", "{choices[1]}", "{choices[2]}", "{choices[3]}", "{choices[4]}"),
            labels=("A", "B", "C", "D", "E"),
            splits={"train": "train", "test": "dev"},
            metrics=("accuracy",),
            cut_by="{question}",
            note="Not in the paper: short questions, which stand in for Story Cloze and RACE.",
        ),
        _RACE,
        replace(
            _RACE,
            name="race-m",
            title="RACE, middle schools",
            splits={"train": "train", "dev": "dev", "test": "middle-test"},
            source="race",
        ),
        replace(
            _RACE,
            name="race-h",
            title="RACE, high schools",
            splits={"train": "train", "dev": "dev", "test": "high-test"},
            source="race",
        ),
        replace(
            _RACE,
            name="race-m-sample",
            title="RACE, middle schools, development set",
            splits={"train": "dev", "test": "test"},
            cut_by="{article}",
            note=_A_PART.format("the development questions of the middle schools"),
        ),
        Task(
            name="copa-sample",
            title="COPA, development items",
            kind="multiple choice",
            texts=("{premise} What was the {question}?",),
            answers=("{choice1}", "{choice2}"),
            labels=("first", "second"),
            splits={"train": "dev"},
            metrics=("accuracy",),
            cut_by="{premise}",
            source="copa",
            note="Not in the paper's tables; the 500 development items, a tenth of them for testing.",
        ),
        Task(
            name="story-cloze-sample",
            title="Story Cloze, one set of items",
            kind="multiple choice",
            texts=("{input_sentence_1} {input_sentence_2} {input_sentence_3} {input_sentence_4}",),
            answers=("{sentence_quiz1}", "{sentence_quiz2}"),
            labels=("1", "2"),
            label="answer_right_ending",
            splits={"train": "test"},
            metrics=("accuracy",),
            cut_by="{input_sentence_1}",
            source="story-cloze",
            note="The items that the hub has, a tenth of them for testing; the paper trains on another set.",
        ),
        Task(
            name="winograd",
            title="Winograd schemas",
            kind="multiple choice",
            texts=("{text}",),
            answers=("{candidates[0]}", "{candidates[1]}"),
            labels=("first", "second"),
            splits={"test": "test"},
            metrics=("accuracy",),
            cut_by="{text}",
            note="Nothing to train on; it stands in for the pronouns of DPRD, which the paper scores unseen.",
        ),
        # made of running text
        _CONTINUATION,
        _WORD_ORDER,
        replace(
            _CONTINUATION,
            name="play-continuation",
            title="Next sentence, plays",
            source="plays",
            note=_FROM_PLAYS,
        ),
        replace(
            _WORD_ORDER, name="play-word-order", title="Word order, plays", source="plays", note=_FROM_PLAYS
        ),
    )
}
"""The tasks by name."""


def find_task(name: str) -> Task:
    """The task called ``name``.

    Raises:
        GptreproError: no task has that name; the message lists near matches.
    """
    if name in TASKS:
        return TASKS[name]
    near = difflib.get_close_matches(name, TASKS, n=3, cutoff=0.4) or list(TASKS)
    raise GptreproError(f"There is no task called '{name}'; did you mean {', '.join(near)}?")
