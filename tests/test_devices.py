"""Every path runs on the card where there is one, as on the CPU, and a training does not wait for it.

The card is pretended (`tests.card`), so that this is known without one.
"""

from __future__ import annotations

import itertools
import json
import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from typer.testing import CliRunner

from gptrepro.cli import app
from gptrepro.experiments import EXPERIMENTS
from gptrepro.experiments.base import Config, Experiment, Measurement, Unit
from gptrepro.experiments.gpt1.tuned_tasks import Arm
from gptrepro.experiments.training import TextTraining
from gptrepro.finetune import FineTuned, LabelledBatches
from gptrepro.scales import Scale
from gptrepro.train.loop import TrainResult, train
from tests.card import Card, pretended_card
from tests.finetune.toy import CONTEXT, N_VOCAB, TOY, random_rows
from tests.model.small import small_decoder
from tests.train.tiny import tiny_batches, tiny_model, tiny_settings, train_tiny


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> Iterator[Counter[str]]:
    """A card, and what made the processor wait for it."""
    with pretended_card(monkeypatch) as counted:
        yield counted


def test_the_pretended_card_refuses_what_a_card_refuses(waits: Counter[str]) -> None:
    there, here = torch.ones(3, device="cuda"), torch.ones(3)
    for mixed in (lambda: there + here, lambda: here[there.long()], lambda: there.numpy()):
        with pytest.raises((RuntimeError, TypeError)):
            mixed()
    assert not waits
    assert (
        bool((there > 0).any()) and there[there > 0].tolist() == [1, 1, 1] and there.cpu().numpy().sum() == 3
    )
    assert sum(waits.values()) == 4


def test_a_training_on_the_card_is_that_of_the_cpu_and_waits_only_to_log(
    tmp_path: Path, waits: Counter[str]
) -> None:
    cpu = train_tiny(tmp_path / "cpu", dropout=0.0, log_every=4)
    seen: list[int] = []

    class Watched:
        def __getattr__(self, name: str) -> Any:
            return getattr(batches, name)

        def next(self) -> tuple[torch.Tensor, ...]:
            seen.append(sum(waits.values()))
            return batches.next()

    batches = tiny_batches()
    model = tiny_model(0.0)
    result = train(
        model, Watched(), tiny_settings(log_every=4), tmp_path / "card", device="cuda:0", progress=False
    )
    assert isinstance(model.wte.weight, Card)
    for there, here in zip(result.history, cpu.history, strict=True):
        assert there == pytest.approx(here, rel=1e-5)
    waited = [later - earlier for earlier, later in itertools.pairwise(seen)]
    assert [bool(n) for n in waited] == [(step % 4 == 0) for step in range(1, 12)]


@pytest.mark.parametrize("kind", TOY)
def test_a_fine_tuning_on_the_card_is_that_of_the_cpu_and_waits_only_to_log(
    kind: str, tmp_path: Path, waits: Counter[str]
) -> None:
    def tuned(device: str) -> TrainResult:
        torch.manual_seed(0)
        model = FineTuned(small_decoder(n_vocab=N_VOCAB, n_ctx=CONTEXT, dropout=0.0), TOY[kind], dropout=0.0)
        rows = LabelledBatches(random_rows(TOY[kind], 30), 6, seed=0)
        inner = rows.next

        def watched() -> tuple[torch.Tensor, torch.Tensor]:
            seen.append(sum(waits.values()))
            return inner()

        rows.next = watched  # type: ignore[method-assign]
        settings = tiny_settings(steps=5, log_every=3, context=CONTEXT)
        return train(model, rows, settings, tmp_path / device, device=device, progress=False)

    seen: list[int] = []
    there = tuned("cuda:0")
    assert [later > earlier for earlier, later in itertools.pairwise(seen)] == [False, False, True, False]
    for one, other in zip(there.history, tuned("cpu").history, strict=True):
        assert one == pytest.approx(other, rel=1e-4)


def brief(config: Any) -> Any:
    """A configuration whose trainings and scored sets are as short as they may be."""
    if isinstance(config, TextTraining):
        tokens = 16 * config.batch_size * config.n_ctx
        return config.model_copy(update={"tokens": tokens, "warmup_updates": 1, "heldout_tokens": 512})
    if isinstance(config, Arm):
        return config.model_copy(update={"updates": 2})
    if isinstance(config, dict):
        return {key: brief(value) for key, value in config.items()}
    if not isinstance(config, Config):
        return config
    fields = {name: brief(getattr(config, name)) for name in type(config).model_fields}
    short = {"dev_rows": 8, "test_rows": 8, "items": 20}
    return config.model_copy(update=fields | {name: n for name, n in short.items() if name in fields})


def asks_a_model(experiment: Experiment[Any]) -> bool:
    """Whether it trains one or reads the weights of one; others only count."""
    trains = experiment.budget(experiment.config(Scale.SMOKE)).flops > 0
    return trains or bool(experiment.builds_on(100))


PATHS = [
    name
    for name in {experiment.measure: name for name, experiment in EXPERIMENTS.items()}.values()
    if name != "background-seq2seq" and asks_a_model(EXPERIMENTS[name])
]
"""One experiment for each way to measure. (Packed sequences are laid out where no pretence reaches.)"""


@pytest.fixture(scope="module")
def seed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the experiments of this module share: text as tokens, and pre-trained models."""
    return tmp_path_factory.mktemp("seed")


@pytest.mark.parametrize("name", PATHS)
def test_every_way_to_measure_runs_on_the_card(name: str, seed: Path, waits: Counter[str]) -> None:
    def on_card(name: str) -> Measurement:
        experiment = EXPERIMENTS[name]
        sources = {source: seed / source for source in experiment.builds_on(100)}
        for source, folder in sources.items():
            if not folder.exists():
                on_card(source)
        unit = Unit(100, seed / name, seed / "prepared", sources, device="cuda:0")
        return experiment.measure(brief(experiment.config(Scale.SMOKE)), unit)

    found = on_card(name)
    assert found.rows and waits


def test_readers_train_evaluate_and_generate_where_they_say(tmp_path: Path, waits: Counter[str]) -> None:
    shape = {"n_vocab": 280, "n_ctx": 16, "n_layers": 1, "d_model": 16, "n_heads": 2, "norm": "pre"}
    (tmp_path / "model.json").write_text(json.dumps(shape))
    (tmp_path / "own.txt").write_text("The cat sat on the mat. " * 40)
    (tmp_path / "rows.jsonl").write_text(json.dumps({"context": "The cat", "completion": " sat"}) + "\n")
    folder, text = str(tmp_path / "trained"), str(tmp_path / "own.txt")
    training = ["--model", str(tmp_path / "model.json"), "--text", text, "--output", folder]
    length = ["--steps", "2", "--batch-size", "2", "--context", "16"]
    for command in (
        ["train", *training, *length, "--heldout", text],
        ["eval", "perplexity", "--checkpoint", folder, "--text", text],
        ["eval", "completions", "--checkpoint", folder, "--jsonl", str(tmp_path / "rows.jsonl")],
        ["generate", "--checkpoint", folder, "--prompt", "The", "--tokens", "3", "--temperature", "1"],
    ):
        for device, on_card in (("cpu", False), ("cuda:0", True), ("auto", True)):
            if command[0] == "train":
                shutil.rmtree(folder, ignore_errors=True)
            waits.clear()
            done = CliRunner().invoke(app, [*command, "--device", device])
            assert done.exit_code == 0, done.output
            assert bool(waits) == on_card, f"{command} with {device}: {waits}"


@pytest.mark.gpu
def test_a_training_on_a_real_card_is_that_of_the_cpu_but_for_rounding(tmp_path: Path) -> None:
    cpu = train_tiny(tmp_path / "cpu", dropout=0.0)
    model = tiny_model(0.0)
    card = train(model, tiny_batches(), tiny_settings(), tmp_path / "card", device="cuda", progress=False)
    assert card.resolved is not None and card.resolved.device == "cuda"
    for there, here in zip(card.history, cpu.history, strict=True):
        assert there["loss"] == pytest.approx(here["loss"], rel=1e-3)
