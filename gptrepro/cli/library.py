"""Commands about models and data."""

from __future__ import annotations

from typing import Annotated

import typer

from gptrepro.cli.printing import AsJson, print_json, print_list, print_table, short_count

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
        ["model", "layers", "width", "heads", "context", "parameters", "stated", "FLOPs", "GiB"],
        [
            [
                row["name"],
                str(row["n_layers"]),
                str(row["d_model"]),
                f"{row['n_heads']} x {row['d_head']}",
                str(row["n_ctx"]),
                f"{row['parameters']:,}",
                short_count(row["nominal_parameters"]),
                "-" if row["training_flops"] is None else f"{row['training_flops']:.2e}",
                f"{row['weight_bytes_fp32'] / 2**30:,.1f}",
            ]
            for row in rows
        ],
    )
    typer.echo("FLOPs of the whole training, where the paper reports its tokens; GiB of weights in fp32.")
    for row in rows:
        typer.echo(f"{row['name']}: {row['reading']}")


def _megabytes(size: int) -> str:
    return f"{size / 1e6:,.1f}" if size >= 50_000 else f"{size / 1e6:.2f}"


@data_app.command("list")
def data_list(as_json: AsJson = False) -> None:
    """Every data set: its size and the tier that serves it here."""
    from gptrepro.sources.inventory import list_datasets

    found = list_datasets()
    if as_json:
        print_json([item.as_row() for item in found])
        return
    for kind, heading in (("text", "Running text"), ("rows", "Labelled rows"), ("files", "Files")):
        rows = [
            [item.name, _megabytes(item.bytes), item.tier or "nothing", item.title]
            for item in found
            if item.kind == kind
        ]
        print_list(heading, ["name", "MB", "served by", "what it is"], rows)
    typer.echo("`gptrepro data show NAME` says more of one: splits, licence, source, what to beware of.")


@data_app.command("show")
def data_show(name: Annotated[str, typer.Argument(help="A data set.")], as_json: AsJson = False) -> None:
    """One data set: splits, licence, source, and what to beware of."""
    from gptrepro.sources.inventory import describe

    found = describe(name)
    if as_json:
        print_json(found.as_row())
        return
    lines = {
        "what it is": found.title,
        "stands for": found.paper,
        "splits": ", ".join(found.splits),
        "size": f"{_megabytes(found.bytes)} MB",
        "served by": found.tier or "nothing here",
        "licence": found.licence,
        "source": found.source,
        "beware": found.note,
    }
    for label, text in lines.items():
        if text:
            typer.echo(f"{label}: {text}")


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


@data_app.command("pack")
def data_pack(name: Annotated[str, typer.Argument(help="A release.")]) -> None:
    """Pack the archive of a release from the mirror, to publish with the repository."""
    from gptrepro.sources.inventory import pack

    packed = pack(name)
    typer.echo(f"{packed.path}: {packed.bytes:,} bytes, sha256 {packed.sha256}")
    if packed.as_pinned:
        typer.echo("These are the bytes that data/sources/archives.yml pins.")
    else:
        typer.echo("data/sources/archives.yml pins other bytes: put these in their place, under a new tag.")
