"""The commands of the README and of the page Reproduce are real: cheap ones run, the others are parsed."""

from __future__ import annotations

import json
import re
import shlex
import tomllib

import pytest
from typer.testing import CliRunner

from gptrepro import storage
from gptrepro.cli import app
from gptrepro.experiments import select_experiments
from gptrepro.scales import parse_scale
from gptrepro.sources.catalogue import catalogue

ROOT = storage.project_root()
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
QUICK = ("gptrepro models", "gptrepro data list", "gptrepro plan", "gptrepro claims --paper")
SHELL = (
    "py -m venv .venv",
    "python3 -m venv .venv",
    ".venv\\Scripts\\activate",
    "papermill",
    "sh packed/",
    "uv venv",
    "echo ",
)
"""Commands that belong to others."""


def _lines(page: str) -> list[str]:
    text = (ROOT / page).read_text(encoding="utf-8")
    blocks = re.findall(r"```(?:bash|powershell)\n(.*?)```", text, re.DOTALL)
    lines = [line.split(" #")[0].strip() for block in blocks for line in block.splitlines()]
    return [line for line in lines if line]


README, REPRODUCE, OWN_TEXT = (
    _lines(f"{page}.md") for page in ("README", "book/reproduce", "book/your-own-text")
)
LINES = list(dict.fromkeys(README + REPRODUCE + OWN_TEXT))


def _check_gptrepro(line: str) -> None:
    arguments = shlex.split(line)[1:]
    quick = line.startswith(QUICK)
    options = next((i for i, word in enumerate(arguments) if word.startswith("--")), len(arguments))
    result = CliRunner().invoke(
        # an unknown option fails; before others, for one that would read its file
        app,
        arguments if quick else [*arguments[:options], "--help", *arguments[options:]],
    )
    assert result.exit_code == 0 and result.output.strip(), result.output
    if "--scale" in arguments:
        parse_scale(arguments[arguments.index("--scale") + 1])
    if arguments[:2] == ["data", "fetch"]:
        for name in arguments[2:]:
            assert name in catalogue().corpora or name in catalogue().assets, f"{name} is no data set"
    if arguments[0] in ("run", "publish", "pack-run") and not arguments[1].startswith("--"):
        assert select_experiments(arguments[1])


def _check_make(line: str) -> None:
    _, target, *variables = shlex.split(line)
    assert re.search(rf"^{target}:", MAKEFILE, re.MULTILINE), f"the Makefile has no target {target}"
    for variable in variables:
        name = variable.split("=")[0]
        assert re.search(rf"^{name} \?=", MAKEFILE, re.MULTILINE), f"the Makefile has no variable {name}"


def _check_pip(line: str) -> None:
    arguments = shlex.split(line.partition("install")[2])
    if arguments == [f"gptrepro @ git+{storage.repository(ROOT)}"]:
        return
    assert "constraints.txt" in arguments and (ROOT / "constraints.txt").exists()
    for extra in re.findall(r"\[(.*?)\]", line)[0].split(","):
        assert extra in PROJECT["optional-dependencies"], f"pyproject.toml has no extra {extra}"


@pytest.mark.parametrize("line", LINES)
def test_commands_are_understood(line: str) -> None:
    command = re.sub(r"^\.venv/bin/(python -m )?", "", line)
    if command.startswith("gptrepro "):
        _check_gptrepro(command)
    elif command.startswith("make "):
        _check_make(command)
    elif command.startswith(("pip install", "uv pip install")):
        _check_pip(command)
    else:
        assert command == "pytest" or line in ("python -m venv .venv", *SHELL) or line.startswith(SHELL), (
            f"no test understands `{line}`: teach tests/test_readme.py"
        )


def test_the_two_commands_come_first() -> None:
    assert README[:2] == ["make book", "make test"]


def test_what_make_book_does_can_be_done_without_make() -> None:
    recipe = re.search(r"^book:.*\n((?:\t.*\n)+)", MAKEFILE, re.MULTILINE)
    assert recipe
    steps = [step.strip().removeprefix("@$(BIN)/").partition(" ||")[0] for step in recipe[1].splitlines()]
    for lines in (README, REPRODUCE):
        plain = [line.removeprefix(".venv/bin/") for line in lines]
        places = [plain.index(step) for step in steps]
        assert places == sorted(places)


def test_folders_of_the_table_exist() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    for folder in re.findall(r"^\| `(\w+)/` \|", text, re.MULTILINE):
        assert (ROOT / folder).is_dir(), folder


def test_the_engine_does_what_the_pages_say(tmp_path, monkeypatch) -> None:
    """The commands of both pages, one after the other, on a small text and with few steps."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GPTREPRO_HOME", str(tmp_path / "home"))
    (tmp_path / "my.txt").write_text("Once upon a time there was a cat.\nIt sat on a mat and sang.\n" * 60)
    (tmp_path / "prompts.txt").write_text("Once\nA cat\n")
    (tmp_path / "rows.jsonl").write_text('{"context": "Once upon", "completion": " a time"}\n')
    (tmp_path / "mine.yaml").write_text(
        "model: small.json\ntext: my.txt\noutput: again\nsteps: 2\ncontext: 16\nbatch-size: 2\n"
    )
    shape = {"n_vocab": 270, "n_ctx": 16, "n_layers": 1, "d_model": 16, "n_heads": 2, "norm": "pre"}
    (tmp_path / "small.json").write_text(json.dumps(shape))
    small = {"--steps 500": "--steps 4 --context 16 --batch-size 2", "every 100": "every 2", "500": "20"}
    done = []
    for line in OWN_TEXT:
        if line.startswith(
            ("gptrepro train", "gptrepro generate", "gptrepro eval perp", "gptrepro eval comp")
        ):
            for long, short in small.items():
                line = line.replace(long, short)
            result = CliRunner().invoke(app, shlex.split(line)[1:])
            assert result.exit_code == 0, f"{line}: {result.output} {result.exception}"
            done.append(line)
    assert len(done) >= 6 and set(OWN_TEXT) >= {line for line in README if "mine" in line}
    for block in re.findall(r"```python\n(.*?)```", (ROOT / "book/your-own-text.md").read_text(), re.DOTALL):
        compile(block, "page", "exec")
        if "transformers" not in block:
            exec(block, {})
