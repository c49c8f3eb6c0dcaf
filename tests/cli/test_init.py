"""The command line as a whole: a mistake is one sentence."""

from __future__ import annotations

import os
import tomllib
from pathlib import Path

import pytest

from gptrepro import cli, storage


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("run", "gpt1-pretrainin"), "did you mean gpt1-pretraining"),
        (("run", "gpt1", "--scale", "moon"), "no scale 'moon'"),
        (("claims", "--paper", "gpt9"), "no claims of 'gpt9'"),
        (("claims", "--verdict", "maybe"), "no verdict 'maybe'"),
        (("publish", "gpt1-pretraining", "--scale", "smoke"), "cannot be published"),
        (("data", "fetch", "playz"), "plays"),
        (("data", "verify", "nothing-like-it"), "no text called"),
        (("refresh", "gpt9/99"), "gpt9/99"),
    ],
)
def test_a_mistake_is_one_sentence_without_a_traceback(gptrepro, arguments, sentence):
    status, _, err = gptrepro(*arguments)
    assert status == 1
    assert err.startswith("Error: ") and sentence in err
    assert "Traceback" not in err and len(err.strip().splitlines()) == 1


@pytest.mark.parametrize("name", ["GPTREPRO_HOME", "GPTREPRO_MIRROR"])
def test_a_relative_folder_counts_from_where_the_command_was_given(gptrepro, monkeypatch, tmp_path, name):
    monkeypatch.chdir(tmp_path)
    Path("beside").mkdir()
    monkeypatch.setenv(name, "beside")
    gptrepro("models", "--json")
    assert os.environ[name] == str(tmp_path / "beside")


@pytest.mark.parametrize(
    ("module", "extra"),
    [("scipy", "judge"), ("sklearn.metrics", "judge"), ("spacy", "gpt1"), ("torch", None)],
)
def test_a_missing_library_is_named_with_the_extra_that_brings_it(gptrepro, monkeypatch, module, extra):
    lines = tomllib.loads((storage.project_root() / "pyproject.toml").read_text())["project"]
    requires = [
        f"{line}; extra == '{name}'" for name, e in lines["optional-dependencies"].items() for line in e
    ]
    monkeypatch.setattr(cli.metadata, "requires", lambda _: [*lines["dependencies"], *requires])
    assert cli.extra_of(module) == extra

    def missing(*_, **__):
        raise ModuleNotFoundError(name=module)

    monkeypatch.setattr("gptrepro.sources.inventory.list_datasets", missing)
    if extra is None:
        with pytest.raises(ModuleNotFoundError):
            gptrepro("data", "list")
    else:
        status, _, err = gptrepro("data", "list")
        assert status == 1 and f"pip install 'gptrepro[{extra}]'" in err


@pytest.mark.parametrize("command", ["train", "run"])
def test_several_processes_of_a_launcher_are_one_sentence(gptrepro, monkeypatch, command, tmp_path):
    monkeypatch.setenv("WORLD_SIZE", "4")
    more = {
        "run": ["background-positions", "--scale", "smoke"],
        "train": ["--model", "gpt1", "--text", "plays", "--steps", "1", "--output", str(tmp_path / "out")],
    }[command]
    status, _, err = gptrepro(command, *more)
    assert status == 1 and "torchrun has started 4 processes" in err
    assert not (tmp_path / "out").exists()
