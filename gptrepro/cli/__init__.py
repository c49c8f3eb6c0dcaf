"""The ``gptrepro`` command: a thin layer that parses, calls the package and prints."""

from __future__ import annotations

import io
import re
import sys
from collections import Counter
from importlib import metadata
from typing import Annotated

import typer

from gptrepro import __version__, storage
from gptrepro.cli import ledger, library, own_text
from gptrepro.errors import GptreproError


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"gptrepro {__version__}")
        raise typer.Exit


app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Re-run GPT-1, GPT-2 and GPT-3: models, data, experiments, claims and the book.",
)
for commands in (library.app, ledger.app, own_text.app):
    app.add_typer(commands)


@app.callback()
def root(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version and exit.", callback=_version, is_eager=True)
    ] = False,
) -> None:
    pass


def write_any_character() -> None:
    """Let nothing that a model writes end the command: files and pipes get UTF-8, as they are read here.

    A terminal keeps its encoding, and shows an escape in place of a character that it does not have.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            encoding = None if stream.isatty() else "utf-8"
            stream.reconfigure(encoding=encoding, errors="backslashreplace")


def extra_of(module: str) -> str | None:
    """The smallest extra of this package that brings a missing module, or None."""
    name = {"sklearn": "scikit-learn"}.get(module.partition(".")[0], module.partition(".")[0])
    lines = [
        re.match(r"([\w.-]+).*extra == ['\"](\w+)", line) for line in metadata.requires("gptrepro") or []
    ]
    brought = [(found[1].replace("_", "-"), found[2]) for found in lines if found]
    sizes = Counter(extra for _, extra in brought)
    extras = [extra for package, extra in brought if package == name.replace("_", "-")]
    return min(extras, key=lambda extra: sizes[extra], default=None)


def main() -> None:
    """Entry point: a user's mistake is one sentence on standard error and an exit status."""
    storage.make_places_absolute()
    write_any_character()
    try:
        app()
    except GptreproError as error:
        typer.echo(f"Error: {error}", err=True)
        sys.exit(error.exit_status)
    except ModuleNotFoundError as error:
        extra = extra_of(error.name or "")
        if extra is None:
            raise
        what = f"This needs {error.name}: install it with `pip install 'gptrepro[{extra}]'`."
        typer.echo(f"Error: {what}", err=True)
        sys.exit(1)
    except BrokenPipeError:  # the reader, such as `head`, has seen enough
        sys.stderr.close()
        sys.exit(0)
