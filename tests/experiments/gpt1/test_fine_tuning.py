"""Fine-tuning experiments: what they share is shared, what they lay out can run, and one failure is one."""

from __future__ import annotations

import json
import time
from pathlib import Path
from statistics import fmean

import pytest

from gptrepro.errors import GptreproError
from gptrepro.experiments.base import Measurement, Unit, UnitOver
from gptrepro.experiments.gpt1 import fine_tuning
from gptrepro.experiments.gpt1.auxiliary import AUXILIARY
from gptrepro.experiments.gpt1.fine_tuning import FINE_TUNING, LSTM_FINE_TUNING, SEEDS, pretraining_seed
from gptrepro.experiments.gpt1.pretraining import PRETRAINING, measure
from gptrepro.experiments.gpt1.transfer import TRANSFER
from gptrepro.experiments.gpt1.tuned_tasks import TaskRows
from gptrepro.published import GPT1_FINE_TUNING
from gptrepro.scales import Scale
from gptrepro.tasks.gpt1 import TASKS
from gptrepro.tasks.labelled import Task


@pytest.fixture(scope="module")
def pretrained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("pretrained")
    measure(PRETRAINING.config(Scale.SMOKE), Unit(100, home / "seed", home / "prepared"))
    return home


def unit(pretrained: Path, folder: Path, **others: float) -> Unit:
    return Unit(100, folder, pretrained / "prepared", {PRETRAINING.name: pretrained / "seed"}, **others)


@pytest.mark.parametrize("scale", Scale)
def test_all_arms_of_a_scale_learn_from_the_same_rows_in_the_same_way(scale: Scale) -> None:
    full, lstm = FINE_TUNING.config(scale), LSTM_FINE_TUNING.config(scale)
    assert set(full.tasks) == set(lstm.tasks)
    for shared in ("batch_size", "warmup_fraction", "head_dropout", "dev_rows", "test_rows"):
        assert getattr(full, shared) == getattr(lstm, shared)
    assert full.arms["full"].lm_weight == full.arms["scratch"].lm_weight == GPT1_FINE_TUNING.lm_weight
    assert full.arms["no_aux"].lm_weight == 0
    transfer = TRANSFER.config(scale)
    assert [arm.layers for arm in transfer.arms.values()] == [*range(transfer.pretraining.n_layers + 1)]
    assert list(transfer.arms.values())[-1] == full.arms["full"]
    for task, rows in transfer.tasks.items():
        assert rows[-1] == full.tasks[task][-1]
    with_objective, without = AUXILIARY.config(scale).arms.values()
    assert with_objective == full.arms["full"]
    assert without == with_objective.model_copy(update={"lm_weight": 0.0})


def test_the_paper_scale_has_the_papers_recipe() -> None:
    config = FINE_TUNING.config(Scale.PAPER)
    recipe = config.recipe(config.arms["full"], config.tasks["sst2"][-1])
    assert recipe.epochs == pytest.approx(GPT1_FINE_TUNING.epochs, rel=1e-3)
    for name in ("peak_learning_rate", "batch_size", "warmup_fraction", "lm_weight", "head_dropout"):
        assert getattr(recipe, name) == getattr(GPT1_FINE_TUNING, name)


def test_every_pretraining_serves_some_seed() -> None:
    assert {pretraining_seed(seed) for seed in SEEDS} == set(PRETRAINING.seeds[Scale.LAPTOP])


def test_a_seed_measures_every_arm_and_baseline_and_its_pieces_give_the_same(
    pretrained: Path, tmp_path: Path
) -> None:
    config = FINE_TUNING.config(Scale.SMOKE)
    whole = FINE_TUNING.measure(config, unit(pretrained, tmp_path / "whole"))
    some = {
        "tasks": {"play-continuation": (32,)},
        "arms": {"full": config.arms["full"]},
        "baselines": ("majority",),
    }
    for _ in range(100):
        try:
            piece = unit(pretrained, tmp_path / "pieces", deadline=time.monotonic())
            pieces = FINE_TUNING.measure(config.model_copy(update=some), piece)
            break
        except UnitOver:
            continue

    def outcomes(measured: Measurement) -> list[dict[str, object]]:
        return [{**one.coordinates, "values": list(one.values)} for one in measured.outcomes]

    for found, known in ((pieces.rows, whole.rows), (outcomes(pieces), outcomes(whole))):
        wanted = [each for each in known if each["task"] in some["tasks"]]
        assert found == [each for each in wanted if each["arm"] in ("full", "majority")] != []
    (precision,) = {
        json.loads(path.read_text())["precision"] for path in (tmp_path / "whole").glob("*/full-*/*.json")
    }
    assert whole.precision == precision is not None
    assert not list((tmp_path / "whole").rglob("*.safetensors"))
    at = [tuple(row.get(name) for name in ("task", "score", "arm", "rows", "layers")) for row in whole.rows]
    layers = {name: arm.layers for name, arm in config.arms.items()} | dict.fromkeys(config.baselines)
    del layers["second_only"]  # neither task is one of entailment
    assert set(at) == {
        (task, metric, arm, n, layers[arm])
        for task, metric in (("play-word-order", "matthews"), ("play-continuation", "accuracy"))
        for arm in layers
        for n in (config.tasks[task] if arm in config.arms else config.tasks[task][-1:])
    }
    assert len(set(at)) == len(at)
    means = {tuple(one.coordinates.items()): 100 * fmean(one.values) for one in whole.outcomes}
    assert {tuple(row.items())[1:]: row["value"] for row in whole.rows if row["score"] == "accuracy"} == (
        pytest.approx(means, abs=1e-3)
    )


def test_a_task_that_fails_does_not_stop_the_rest(
    pretrained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = FINE_TUNING.config(Scale.SMOKE)
    bad, good = config.tasks

    class Failing(TaskRows):
        def __init__(self, config: object, task: Task) -> None:
            if task.name == bad:
                raise GptreproError("Its rows are gone: fetch them.")
            super().__init__(config, task)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(fine_tuning, "TaskRows", Failing)
        with pytest.raises(GptreproError, match=rf"1 of 2 tasks failed.*\[{bad}\] Its rows are gone"):
            FINE_TUNING.measure(config, unit(pretrained, tmp_path))
    kept = list((tmp_path / good).rglob("outcome.json"))
    assert len(kept) == len(config.arms) * len(config.tasks[good]) + len(config.baselines) - 1
    stamps = [path.stat().st_mtime_ns for path in kept]
    measured = FINE_TUNING.measure(config, unit(pretrained, tmp_path))
    assert {row["task"] for row in measured.rows} == {bad, good}
    assert [path.stat().st_mtime_ns for path in kept] == stamps


def test_the_published_rows_of_every_task_are_declared() -> None:
    for name, rows in FINE_TUNING.config(Scale.PAPER).tasks.items():
        assert name in TASKS
        assert list(rows) == sorted(set(rows))
