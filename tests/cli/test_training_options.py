"""The options of a training follow its settings."""

from __future__ import annotations

import dataclasses
import inspect
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from gptrepro.cli.training_options import DEFAULTS, HELP, NAMES, NO_OPTION, takes_settings
from gptrepro.errors import GptreproError
from gptrepro.train.settings import TrainSettings

OPTIONS = {
    "--steps 40": {"steps": 40, "warmup_steps": 40},
    "--batch-size 4": {"batch_size": 4},
    "--context 32": {"context": 32},
    "--learning-rate 0.5": {"peak_lr": 0.5},
    "--warmup 7": {"warmup_steps": 7},
    "--schedule linear": {"schedule": "linear"},
    "--cooldown-steps 5 --warmup 7": {"cooldown_steps": 5, "warmup_steps": 7},
    "--final-lr-fraction 0.1": {"final_lr_fraction": 0.1},
    "--warmup-tokens 500 --decay-tokens 9000": {"warmup_tokens": 500, "decay_tokens": 9000},
    "--ramp-batch-size 2 --ramp-tokens 300": {"ramp_batch_size": 2, "ramp_tokens": 300},
    "--beta1 0.8": {"beta1": 0.8},
    "--beta2 0.95": {"beta2": 0.95},
    "--eps 1e-6": {"eps": 1e-6},
    "--weight-decay 0.1": {"weight_decay": 0.1},
    "--clip-norm 2": {"clip_norm": 2.0},
    "--clip-norm none": {"clip_norm": None},
    "--seed 3": {"seed": 3},
    "--accumulate 2": {"accumulate": 2},
    "--precision bf16": {"precision": "bf16"},
    "--compile": {"compile": True},
    "--log-every 5": {"log_every": 5},
    "--evaluate-every 6": {"evaluate_every": 6},
    "--save-every 2.5": {"checkpoint_every_seconds": 2.5},
}
USUAL = TrainSettings(steps=20, batch_size=16, context=128, peak_lr=1e-3, warmup_steps=20)


def _settings_of(*arguments: str, **decorated: Any) -> Any:
    """The settings that a command receives which takes them."""
    received: list[TrainSettings] = []

    def command(settings: TrainSettings) -> None:
        received.append(settings)

    app = typer.Typer()
    app.command()(takes_settings(command, **decorated))
    result = CliRunner().invoke(app, list(arguments))
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == 0, result.output
    return received[0]


@pytest.mark.parametrize("option", OPTIONS)
def test_an_option_reaches_its_field_and_no_other(option: str) -> None:
    assert _settings_of("--steps", "20", *option.split()) == dataclasses.replace(USUAL, **OPTIONS[option])


def test_every_field_is_tried_above_or_left_out_for_a_reason() -> None:
    tried = {name for fields in OPTIONS.values() for name in fields}
    assert tried | NO_OPTION.keys() == {field.name for field in dataclasses.fields(TrainSettings)}
    assert not tried & NO_OPTION.keys()
    assert NAMES.keys() | DEFAULTS.keys() | HELP.keys() <= tried


def test_a_new_field_is_an_option_by_itself() -> None:
    @dataclass(frozen=True)
    class Tomorrow(TrainSettings):
        label_smoothing: float = 0.25
        """Share of the target."""

    assert _settings_of("--steps", "20", kind=Tomorrow).label_smoothing == 0.25
    given = _settings_of("--steps", "20", "--label-smoothing", "0.5", kind=Tomorrow)
    assert given.label_smoothing == 0.5
    option = _help_texts(takes_settings(lambda settings: None, kind=Tomorrow))
    assert option["label_smoothing"] == "Share of the target."


def _help_texts(command: Callable[..., None]) -> dict[str, str]:
    parameters = inspect.signature(command).parameters.values()
    return {parameter.name: parameter.annotation.__metadata__[0].help for parameter in parameters}


def test_the_help_says_something_of_each_and_names_options_that_exist(gptrepro, monkeypatch) -> None:
    texts = _help_texts(takes_settings(lambda settings: None))
    assert all(text.endswith(".") and "`" not in text for text in texts.values())
    monkeypatch.setattr("typer.rich_utils.MAX_WIDTH", 80)
    status, shown, _ = gptrepro("train", "--help")
    assert status == 0 and "…" not in shown
    listed = set(re.findall(r"^│ \*? +(--[\w-]+)", shown, re.MULTILINE))
    assert set(re.findall(r"--[\w-]+", " ".join(texts.values()))) <= listed
    assert {option.split()[0] for option in OPTIONS} <= listed


@pytest.mark.parametrize(
    ("option", "sentence"),
    [
        ("--precision fp64", "precision must be one of auto, fp32, bf16, fp16, not 'fp64'."),
        ("--learning-rate 0", "peak_lr must be above zero, not 0.0."),
        ("--clip-norm 0", "clip_norm must be above zero, not 0.0."),
        ("--beta2 1", "beta2 must lie in [0, 1), not 1.0."),
        ("--warmup -1", "warmup_steps must be at least 0, not -1."),
        ("--evaluate-every 0", "evaluate_every must be at least 1, not 0."),
        ("--ramp-tokens 10", "A batch ramp needs both ramp_batch_size and ramp_tokens."),
    ],
)
def test_a_wrong_value_is_one_sentence(gptrepro, option: str, sentence: str) -> None:
    own = ("--model", "gpt2-small", "--text", "own.txt", "--output", "out", "--steps", "20")
    assert gptrepro("train", *own, *option.split()) == (1, "", f"Error: {sentence}\n")


def test_a_warm_up_is_cut_to_the_training_and_never_refused() -> None:
    assert _settings_of("--steps", "20", "--warmup", "50").warmup_steps == 20
    with pytest.raises(GptreproError, match="steps must be at least 1"):
        _settings_of("--steps", "0")


def test_options_come_from_a_file_and_the_command_line_goes_first(gptrepro, monkeypatch, tmp_path):
    asked: dict = {}

    def train(**given):
        asked.update(given)
        raise GptreproError("far enough")

    monkeypatch.setattr("gptrepro.own_text.train_on_text", train)
    path = tmp_path / "options.yaml"
    lines = (
        "model: gpt2-124m",
        "text: plays",
        "output: out",
        "steps: 7",
        "learning-rate: 0.5",
        "keep_best: on",
    )
    path.write_text("\n".join(lines))
    gptrepro("train", "--config", str(path), "--steps", "9")
    assert (asked["model"], asked["keep_best"]) == ("gpt2-124m", True)
    assert (asked["settings"].steps, asked["settings"].peak_lr) == (9, 0.5)
    path.write_text("stepz: 7\n")
    status, _, err = gptrepro("train", "--config", str(path))
    assert status == 1 and "no option; did you mean steps?" in err


def test_options_and_counts_of_models_cost_no_torch() -> None:
    code = "import sys, gptrepro.cli, gptrepro.published; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
