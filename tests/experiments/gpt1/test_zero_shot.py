"""The zero-shot experiment: what it asks, how it sums up answers, and that it goes on where it stopped."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch

from gptrepro.evaluate.prompted import Paragraphs, Reader
from gptrepro.experiments.base import Unit, UnitOver
from gptrepro.experiments.gpt1.pretraining import LSTM_PRETRAINING, PRETRAINING
from gptrepro.experiments.gpt1.zero_shot import (
    CHECKPOINTS,
    HEURISTICS,
    LSTM_ZERO_SHOT,
    ZERO_SHOT,
    ask,
    relative,
)
from gptrepro.model.config import LSTMConfig
from gptrepro.model.lstm import LSTMLanguageModel
from gptrepro.scales import Scale
from gptrepro.tasks.labelled import Example, TaskData
from gptrepro.train.state import save_weights, weights_file
from tests.evaluate.test_prompted import Letters

MODELS = {"decoder": ZERO_SHOT, "lstm": LSTM_ZERO_SHOT}


def test_both_models_are_asked_the_same_after_the_pre_training_of_the_same_seed() -> None:
    for scale in ZERO_SHOT.configs:
        decoder, lstm = ZERO_SHOT.config(scale), LSTM_ZERO_SHOT.config(scale)
        assert decoder.pretraining == PRETRAINING.config(scale)
        assert lstm.pretraining == LSTM_PRETRAINING.config(scale)
        for shared in ("tasks", "last_words", "items"):
            assert getattr(decoder, shared) == getattr(lstm, shared)
    assert ZERO_SHOT.builds_on(101) == {"gpt1-pretraining": 101}
    assert LSTM_ZERO_SHOT.builds_on(101) == {"gpt1-lstm-pretraining": 101}


def test_relative_performance_goes_from_guessing_to_no_mistake() -> None:
    assert [relative(score, chance=0.2) for score in (0.2, 0.6, 1.0)] == pytest.approx([0.0, 0.5, 1.0])


@pytest.mark.parametrize("arm", MODELS)
def test_it_stops_in_time_goes_on_and_measures_each_checkpoint(arm: str, tmp_path: Path) -> None:
    experiment = MODELS[arm]
    config = experiment.config(Scale.SMOKE).model_copy(update={"items": 10})
    sources = {name: tmp_path / name for name in experiment.builds_on(100)}
    for i, fraction in enumerate(CHECKPOINTS):  # untrained weights in the place of every milestone's
        step = config.pretraining.milestone(fraction) if fraction else 0
        for folder in sources.values():
            save_weights(config.pretraining.fresh(i), weights_file(folder, step))

    def unit(**limits: float) -> Unit:
        return Unit(100, tmp_path / "unit", tmp_path / "prepared", sources, **limits)

    with pytest.raises(UnitOver):
        experiment.measure(config, unit(deadline=0.0))
    found = experiment.measure(config, unit())
    again = experiment.measure(config, unit(deadline=0.0))  # everything is there: no time is needed
    assert (again.rows, again.outcomes) == (found.rows, found.outcomes)
    assert {row["arm"] for row in found.rows} == {arm}
    measured = Counter((row["score"], row["task"]) for row in found.rows)
    assert measured == dict.fromkeys(
        [
            *((score, "word_order") for score in ("auc", "matthews", "relative")),
            *((score, "continuation") for score in ("accuracy", "accuracy_corrected", "relative")),
        ],
        len(CHECKPOINTS),
    )
    for one in found.outcomes:  # each accuracy is the mean of whether its items were right
        (row,) = [row for row in found.rows if one.coordinates.items() <= row.items()]
        assert row["value"] == pytest.approx(np.mean(one.values), abs=1e-5)
    assert len(found.outcomes) == 2 * len(CHECKPOINTS)


def test_every_heuristic_gives_its_scores_and_what_is_derived_from_its_own() -> None:
    torch.manual_seed(0)
    model = LSTMLanguageModel(LSTMConfig(128, 64, d_model=8, d_hidden=8)).eval()
    reader = Reader(model, Paragraphs(Letters(), 10), 64, overflow="left")
    config = ZERO_SHOT.config(Scale.LAPTOP).model_copy(update={"last_words": None, "items": 8})
    answers = ("red", "a door", "so", "no", "it is")
    examples = [
        Example((f"It fell as [MASK] was old {i}.",), i % 2, answers[: 5 if task == "questions" else 2])
        for task in ("questions", "others")
        for i in range(10)
    ]
    tasks = {
        name: TaskData([], *[examples[:10] if name == "questions" else examples[10:]] * 2)
        for name in config.tasks
    }
    rows, outcomes = ask(reader, config, tasks, arm="lstm", fraction=0.5)
    scores: dict[str, dict[str, float]] = {name: {} for name in config.tasks}
    for row in rows:
        scores[str(row["task"])][str(row["score"])] = float(row["value"])
    assert {name: list(of_task) for name, of_task in scores.items()} == {
        "acceptability": ["auc", "matthews", "relative"],
        "sentiment": ["auc", "accuracy", "accuracy_corrected", "relative"],
        "questions": ["accuracy", "accuracy_corrected", "relative"],
        "referents": ["accuracy", "relative"],
        "word_order": ["auc", "matthews", "relative"],
        "continuation": ["accuracy", "accuracy_corrected", "relative"],
    }
    for name, of_task in scores.items():
        own = of_task[HEURISTICS[name].metric]
        assert of_task["relative"] == pytest.approx(relative(own, HEURISTICS[name].chance), abs=2e-5)
    assert len(outcomes) == 7 and all(len(one.values) == 8 for one in outcomes)
