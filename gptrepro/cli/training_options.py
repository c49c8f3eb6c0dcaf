"""The settings of a training as options of a command: one for each field of `TrainSettings`.

A new field is an option by itself: its type, default and docstring are the option's. Only what differs for
readers' own texts stands here.
"""

from __future__ import annotations

import ast
import dataclasses
import difflib
import functools
import inspect
import re
import textwrap
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints

import typer

from gptrepro import storage
from gptrepro.errors import GptreproError
from gptrepro.train.settings import TrainSettings

NAMES = {"peak_lr": "learning_rate", "warmup_steps": "warmup", "checkpoint_every_seconds": "save_every"}
"""Fields that readers know by another name, or whose own has no room in the help."""

DEFAULTS = {"batch_size": 16, "context": 128, "peak_lr": 1e-3, "warmup_steps": 100}
"""Defaults that suit a small training, where experiments state theirs."""

HELP = {"seed": "For weights, order of the data and dropout."}
"""What a field does in this command beyond the training itself."""

NO_OPTION = {
    "evaluate_at": "experiments draw curves over chosen updates; a reader has --evaluate-every",
    "checkpoint_at": "only experiments read the weights of chosen updates",
    "branch_at": "only experiments branch off",
}
"""Fields that are no option, and why."""


def _from_file(context: typer.Context, path: Path | None) -> Path | None:
    """Take what a file says as the defaults of the options that it names."""
    if path is None:
        return None
    otherwise = "give it one option a line, as in `steps: 1000`"
    values = storage.read_yaml(path, "file of options", otherwise)
    if not isinstance(values, dict):
        raise GptreproError(f"{path} is no mapping of options: {otherwise}.")
    names = {flag: option.name for option in context.command.params for flag in option.opts}
    found = {}
    for key, value in values.items():
        name = names.get("--" + str(key).replace("_", "-"))
        if name is None or name == "config":
            near = difflib.get_close_matches(f"--{key}", names, n=1) or ["--help"]
            raise GptreproError(f"{path} names '{key}', which is no option; did you mean {near[0][2:]}?")
        found[name] = value
    context.default_map = {**(context.default_map or {}), **found}
    return path


ConfigFile = Annotated[
    Path | None,
    typer.Option(
        help="A YAML or JSON file of options; the command line goes before it.",
        callback=_from_file,
        is_eager=True,
    ),
]
"""A file of options, read before the others are asked for."""


def takes_settings(
    command: Callable[..., None], kind: type[TrainSettings] = TrainSettings
) -> Callable[..., None]:
    """The command with the options of a training in place of its parameter ``settings``.

    A warm-up is cut to the length of the training, so that the default suits a short one.
    """
    fields = [field for field in dataclasses.fields(kind) if field.name not in NO_OPTION]

    @functools.wraps(command)
    def with_options(**given: Any) -> None:
        values = {field.name: given.pop(field.name) for field in fields}
        values["warmup_steps"] = min(values["warmup_steps"], values["steps"])
        command(**given, settings=kind(**values))

    hints, docs = get_type_hints(kind), _field_docs(kind)
    parameters = [
        *(p for p in inspect.signature(command, eval_str=True).parameters.values() if p.name != "settings"),
        *(_option(field, hints[field.name], docs.get(field.name, "")) for field in fields),
    ]
    with_options.__signature__ = inspect.Signature(  # type: ignore[attr-defined]  # read by inspect and typer
        [parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY) for parameter in parameters]
    )
    with_options.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return with_options


def _option(field: dataclasses.Field[Any], hint: Any, doc: str) -> inspect.Parameter:
    """The option of a field. Its choices and range are left to the settings, whose errors are sentences."""
    said = HELP.get(field.name, doc)
    help_text = re.sub(r"``(\w+)``", lambda name: _flag(name[1]), " ".join(said.split()))
    default = DEFAULTS.get(field.name, field.default)
    parser, metavar = None, None
    if get_origin(hint) is Literal:
        hint, help_text = str, f"{help_text} One of {', '.join(get_args(hint))}."
    elif type(None) in get_args(hint) and default is not None:
        (hint,) = set(get_args(hint)) - {type(None)}
        parser, metavar = _or_none(hint), f"<{hint.__name__}>"
    return inspect.Parameter(
        field.name,
        inspect.Parameter.KEYWORD_ONLY,
        default=inspect.Parameter.empty if default is dataclasses.MISSING else default,
        annotation=Annotated[
            hint,
            typer.Option(
                _flag(field.name) + (f"/--no-{field.name}" if bool in get_args(hint) else ""),
                help=help_text,
                parser=parser,
                metavar=metavar,
                rich_help_panel="Settings of the training",
            ),
        ],
    )


def _flag(name: str) -> str:
    return "--" + NAMES.get(name, name).replace("_", "-")


def _or_none(number: Callable[[str], Any]) -> Callable[[str], Any]:
    """Reads a number, or the word none."""
    return lambda text: None if text == "none" else number(text)


def _field_docs(kind: type) -> dict[str, str]:
    """The docstring under each field of a dataclass and of those that it extends."""
    docs = {}
    for base in filter(dataclasses.is_dataclass, reversed(kind.__mro__)):
        (definition,) = ast.parse(textwrap.dedent(inspect.getsource(base))).body
        assert isinstance(definition, ast.ClassDef)
        for field, doc in pairwise(definition.body):
            match field, doc:
                case ast.AnnAssign(target=ast.Name(name)), ast.Expr(ast.Constant(str(text))):
                    docs[name] = text
    return docs
