"""Commands about models and data."""

from __future__ import annotations

from typing import Annotated

import typer

from gptrepro.cli.printing import AsJson, print_json, print_table

app = typer.Typer()
data_app = typer.Typer(no_args_is_help=True, help="List, fetch and verify the data sets.")
app.add_typer(data_app, name="data")


@app.command()
def models(as_json: AsJson = False) -> None:
    """The 13 published models: shape, exact parameter count, compute and memory."""
    from gptrepro.published import PUBLISHED, describe

    rows = [describe(model) for model in PUBLISHED.values()]
    if as_json:
        print_json(rows)
        return
    print_table(
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
    from gptrepro.sources.inventory import list_datasets

    found = list_datasets()
    if as_json:
        print_json([item.as_row() for item in found])
        return
    print_table(
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
    from gptrepro.sources.inventory import fetch

    for name in names:
        typer.echo(fetch(name))


@data_app.command("verify")
def data_verify(names: Annotated[list[str], typer.Argument(help="Data sets to verify.")]) -> None:
    """Read data sets through and compare every file with its pinned sha256."""
    from gptrepro.sources.inventory import verify

    problems = [problem for name in names for problem in verify(name)]
    for problem in problems:
        typer.echo(problem, err=True)
    if problems:
        raise typer.Exit(1)
    typer.echo(f"{', '.join(names)}: every file is as published.")
