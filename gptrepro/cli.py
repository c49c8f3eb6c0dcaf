"""The ``gptrepro`` command: a thin layer that parses, calls the package and prints."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from gptrepro import storage
from gptrepro.errors import GptreproError

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Re-run GPT-1, GPT-2 and GPT-3: models, data, experiments, claims and the book.",
)
data_app = typer.Typer(no_args_is_help=True, help="List, fetch and verify the data sets.")
app.add_typer(data_app, name="data")

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for a program.")]
ScaleName = Annotated[str, typer.Option(help="smoke, laptop, gpu or paper.")]


def _print_json(value: Any) -> None:
    typer.echo(json.dumps(value, indent=2, ensure_ascii=False))


def _print_table(title: str, columns: list[str], rows: list[list[str]]) -> None:
    table = Table(title=title, title_justify="left", header_style="bold")
    for number, column in enumerate(columns):
        numeric = bool(rows) and all(_looks_numeric(row[number]) for row in rows)
        table.add_column(column, justify="right" if numeric else "left", overflow="fold")
    for row in rows:
        table.add_row(*row)
    Console().print(table)


def _looks_numeric(text: str) -> bool:
    return text[:1].isdigit()


@app.command()
def models(as_json: AsJson = False) -> None:
    """The 13 published models: shape, exact parameter count, compute and memory."""
    from gptrepro.published import PUBLISHED, describe

    rows = [describe(model) for model in PUBLISHED.values()]
    if as_json:
        _print_json(rows)
        return
    _print_table(
        "The published models",
        [
            "model",
            "layers",
            "width",
            "heads",
            "context",
            "parameters",
            "printed",
            "training FLOPs",
            "weights",
        ],
        [
            [
                row["name"],
                str(row["n_layers"]),
                str(row["d_model"]),
                f"{row['n_heads']} x {row['d_head']}",
                str(row["n_ctx"]),
                f"{row['parameters']:,}",
                _short(row["nominal_parameters"]),
                "not reported" if row["training_flops"] is None else f"{row['training_flops']:.2e}",
                f"{row['weight_bytes_fp32'] / 2**30:,.1f} GiB",
            ]
            for row in rows
        ],
    )
    for row in rows:
        typer.echo(f"{row['name']}: {row['reading']}")


def _short(count: float) -> str:
    return f"{count / 1e9:g}B" if count >= 1e9 else f"{count / 1e6:g}M"


@data_app.command("list")
def data_list(as_json: AsJson = False) -> None:
    """Every data set: splits, size, licence, and the tier that serves it here."""
    from gptrepro.text.inventory import list_datasets

    found = list_datasets()
    if as_json:
        _print_json([item.as_row() for item in found])
        return
    _print_table(
        "Data sets",
        ["name", "splits", "size", "served by", "stands for", "licence"],
        [
            [
                item.name,
                ", ".join(item.splits),
                f"{item.bytes / 1e6:,.1f} MB",
                item.tier or "nothing here",
                item.paper,
                item.licence,
            ]
            for item in found
        ],
    )


@data_app.command("fetch")
def data_fetch(names: Annotated[list[str], typer.Argument(help="Data sets to fetch.")]) -> None:
    """Fetch data sets into the home, verified."""
    from gptrepro.text.inventory import fetch

    for name in names:
        typer.echo(fetch(name))


@data_app.command("verify")
def data_verify(names: Annotated[list[str], typer.Argument(help="Data sets to verify.")]) -> None:
    """Read data sets through and compare every file with its pinned sha256."""
    from gptrepro.text.inventory import verify

    problems = [problem for name in names for problem in verify(name)]
    for problem in problems:
        typer.echo(problem, err=True)
    if problems:
        raise typer.Exit(1)
    typer.echo(f"{', '.join(names)}: every file is as published.")


@app.command()
def run(
    what: Annotated[str | None, typer.Argument(help="An experiment or a paper; all when left out.")] = None,
    scale: ScaleName = "laptop",
    seed: Annotated[list[int] | None, typer.Option(help="Run these seeds, not the report seeds.")] = None,
    again: Annotated[bool, typer.Option(help="Discard what was reached and start over.")] = False,
    minutes: Annotated[float | None, typer.Option(help="Stop, everything saved, after so long.")] = None,
) -> None:
    """Run experiments seed by seed, resuming where an earlier call stopped."""
    from gptrepro.experiments import select_experiments
    from gptrepro.results import progress_of, run_experiment
    from gptrepro.scales import parse_scale

    at = parse_scale(scale)
    chosen = [experiment for experiment in select_experiments(what) if at in experiment.configs]
    if not chosen:
        raise GptreproError(f"Nothing of '{what}' runs at scale '{at}'.")
    for experiment in chosen:
        seconds = minutes * 60 if minutes is not None else None
        run_experiment(experiment, at, seeds=seed, again=again, seconds=seconds, report=typer.echo)
        if not seed:
            left = [state.seed for state in progress_of(experiment, at) if state.state != "finished"]
            typer.echo(f"{experiment.name}: " + (f"left: seeds {left}" if left else "all seeds finished"))


@app.command()
def publish(
    what: Annotated[str, typer.Argument(help="An experiment or a paper.")],
    scale: ScaleName = "laptop",
) -> None:
    """Collate finished seeds into data/results, from a clean work tree only."""
    from gptrepro.experiments import select_experiments
    from gptrepro.results import publish as publish_record
    from gptrepro.scales import parse_scale

    at = parse_scale(scale)
    for experiment in select_experiments(what):
        path = publish_record(experiment, at)
        typer.echo(f"published {path.relative_to(storage.project_root())}")


@app.command()
def claims(
    paper: Annotated[str | None, typer.Option(help="Only this paper's claims.")] = None,
    verdict: Annotated[str | None, typer.Option(help="Only claims with this verdict.")] = None,
    as_json: AsJson = False,
) -> None:
    """Every claim with its verdict, computed from the records."""
    from gptrepro.claims import judge, load_claims
    from gptrepro.claims.tables import select

    rows = [item.as_row() for item in select(judge(load_claims()), paper=paper, verdict=verdict)]
    if as_json:
        _print_json(rows)
        return
    _print_table(
        f"{len(rows)} claims",
        ["claim", "where", "published", "measured", "verdict", "reason"],
        [
            [
                row["id"],
                row["where"],
                _value(row["published"]),
                _value(row["measured"]),
                row["verdict"] + (" (stale)" if row["stale"] else ""),
                row["stale"] or row["reason"],
            ]
            for row in rows
        ],
    )


def _value(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, dict):
        return ", ".join(f"{key} {_value(item)}" for key, item in value.items())
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)


@app.command()
def plan(
    what: Annotated[str | None, typer.Argument(help="An experiment or a paper; all when left out.")] = None,
    scale: Annotated[str | None, typer.Option(help="One scale; all when left out.")] = None,
    as_json: AsJson = False,
) -> None:
    """What a run would cost, without running it: tokens, FLOPs, memory, time."""
    from gptrepro.experiments import select_experiments
    from gptrepro.experiments.planning import plan_of
    from gptrepro.scales import parse_scale

    only = parse_scale(scale) if scale else None
    rows = [
        plan_of(experiment, at)
        for experiment in select_experiments(what)
        for at in experiment.configs
        if only in (None, at)
    ]
    if not rows:
        raise GptreproError(f"Nothing of '{what}' runs at scale '{only}'.")
    if as_json:
        _print_json([row.as_row() for row in rows])
        return
    _print_table(
        "Plans (for all report seeds together)",
        ["experiment", "scale", "seeds", "parameters", "tokens", "FLOPs", "memory", "time"],
        [
            [
                row.experiment,
                row.scale,
                str(row.seeds),
                f"{row.parameters:,}",
                f"{row.tokens:.2e}",
                f"{row.flops:.2e}",
                f"{row.memory_bytes / 2**30:.1f} GiB",
                row.time,
            ]
            for row in rows
        ],
    )
    typer.echo(rows[0].assumptions)


@app.command()
def book(
    output: Annotated[Path | None, typer.Option(help="Folder for the build; _build when left out.")] = None,
    strict: Annotated[bool, typer.Option(help="Treat warnings as errors.")] = False,
) -> None:
    """Run the notebooks and build the book as HTML."""
    from gptrepro.book import build_book

    root = storage.project_root()
    typer.echo(build_book(root, output=output or root / "_build", strict=strict))


@app.command()
def refresh(
    what: Annotated[list[str] | None, typer.Argument(help="Parts of notebook paths, as in gpt1/01.")] = None,
) -> None:
    """Renew the outputs stored in the notebooks: the only thing that writes them."""
    from gptrepro.book import refresh as refresh_notebooks

    for path in refresh_notebooks(storage.project_root(), what or ()):
        typer.echo(f"refreshed {path}")


def main() -> None:
    """Entry point: a user's mistake is one sentence on standard error and exit status 1."""
    try:
        app()
    except GptreproError as error:
        typer.echo(f"Error: {error}", err=True)
        sys.exit(1)
    except BrokenPipeError:  # the reader, such as `head`, has seen enough
        sys.stderr.close()
        sys.exit(0)


if __name__ == "__main__":
    main()
