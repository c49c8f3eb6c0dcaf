"""Commands about experiments, records, claims and the book."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gptrepro import storage
from gptrepro.cli.printing import (
    AsJson,
    ScaleName,
    print_json,
    print_list,
    print_table,
    require_one_process,
    short_count,
)
from gptrepro.errors import TIME_IS_UP, GptreproError

if TYPE_CHECKING:
    from gptrepro.experiments.base import Experiment
    from gptrepro.scales import Scale

app = typer.Typer()

Recompute = Annotated[
    bool, typer.Option("--recompute", help="Judge afresh, which takes some seconds, not as stored.")
]


@app.command()
def run(
    what: Annotated[str | None, typer.Argument(help="An experiment or a paper; all when left out.")] = None,
    scale: ScaleName = "laptop",
    seed: Annotated[list[int] | None, typer.Option(help="Run these seeds, not the report seeds.")] = None,
    again: Annotated[bool, typer.Option(help="Discard what was reached and start over.")] = False,
    minutes: Annotated[float | None, typer.Option(help="Stop, everything saved, after so long.")] = None,
    device: Annotated[str, typer.Option(help="cpu, cuda or auto; no setting of the experiment.")] = "auto",
    compiled: Annotated[
        bool | None,
        typer.Option("--compile/--no-compile", help="Compile the models; likewise.", show_default="on a GPU"),
    ] = None,
    jobs: Annotated[int, typer.Option(min=1, help="Processes side by side, on one card or its cores.")] = 1,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would run, and how long.")] = False,
) -> None:
    """Run experiments in pieces that resume where an earlier call stopped.

    What an experiment builds on runs first. A piece that fails leaves the others to go on. Exit status: 0
    finished, 75 time is up, 130 interrupted (both saved), 1 an error.
    """
    from gptrepro.experiments import select_experiments
    from gptrepro.results import progress_of, run_experiments
    from gptrepro.scales import parse_scale

    at = parse_scale(scale)
    chosen = [experiment for experiment in select_experiments(what) if at in experiment.configs]
    if not chosen:
        raise GptreproError(f"Nothing of '{what}' runs at scale '{at}'.")
    if dry_run:
        _lay_out(chosen, at, seed, minutes, jobs)
        return
    require_one_process()
    finished = run_experiments(
        chosen,
        at,
        seeds=seed,
        again=again,
        seconds=minutes * 60 if minutes is not None else None,
        jobs=jobs,
        device=device,
        compiled=compiled,
        report=typer.echo,
    )
    for experiment in [] if seed else chosen:
        left = [state.seed for state in progress_of(experiment, at) if state.state != "finished"]
        typer.echo(f"{experiment.name}: " + (f"left: seeds {left}" if left else "all seeds finished"))
    if not finished:
        raise typer.Exit(TIME_IS_UP)


def _lay_out(
    chosen: list[Experiment[Any]], at: Scale, seeds: list[int] | None, minutes: float | None, jobs: int
) -> None:
    """What a run would do, in its order, with what is left of each experiment and how long that takes."""
    from gptrepro.experiments.planning import plan_of
    from gptrepro.results.pieces import pieces_of
    from gptrepro.results.store import SeedRun

    runs = [SeedRun(each, at, seed) for each in chosen for seed in seeds or each.seeds[at]]
    pieces = pieces_of(runs, apart=jobs > 1)
    by_name = {piece.run.experiment.name: piece.run.experiment for piece in pieces}
    lines, total = [], 0.0
    for name, experiment in by_name.items():
        mine = [piece for piece in pieces if piece.run.experiment is experiment]
        left = len({piece.run.seed for piece in mine})
        whole = plan_of(experiment, at)
        spent = whole.seconds / 60 * left / whole.seeds
        total += spent
        fits = (
            "yes" if minutes is None or total <= minutes else "in part" if total - spent < minutes else "no"
        )
        lines.append([name, str(left), str(len(mine)), f"{spent:.1f}", fits])
    if not lines:
        typer.echo("Nothing is left to do.")
        return
    print_table("What would run", ["experiment", "seeds", "pieces", "minutes", "fits"], lines)
    typer.echo(f"In all some {total:.0f} minutes, as `gptrepro plan --scale {at}` reckons them.")


@app.command()
def pack_run(
    what: Annotated[str, typer.Argument(help="An experiment or a paper.")],
    output: Annotated[Path, typer.Argument(help="The folder to write.")],
    scale: ScaleName = "gpu",
) -> None:
    """Put all that a run needs into one folder, for a machine without a network."""
    from gptrepro.experiments import select_experiments
    from gptrepro.results.packing import pack_run as pack
    from gptrepro.scales import parse_scale

    at = parse_scale(scale)
    chosen = [experiment for experiment in select_experiments(what) if at in experiment.configs]
    if not chosen:
        raise GptreproError(f"Nothing of '{what}' runs at scale '{at}'.")
    weight = pack(chosen, at, output)
    typer.echo(f"{output}: {weight / 1e6:.1f} MB")
    typer.echo(f"There: sh {output.name}/run.sh --jobs 10 --minutes 9")
    typer.echo(f"Then here: gptrepro unpack-run {output}, with {output.name}/home/runs as it came back")


@app.command()
def unpack_run(folder: Annotated[Path, typer.Argument(help="A packed folder, after its run.")]) -> None:
    """Take the records of a packed run into the home."""
    from gptrepro.results.packing import unpack_run as unpack

    for line in unpack(folder) or ["There is nothing new in it."]:
        typer.echo(line)


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
    recompute: Recompute = False,
    as_json: AsJson = False,
) -> None:
    """Every claim with its verdict, as it was judged from the records."""
    from gptrepro.claims.stored import select

    chosen = select(_ledger(recompute), paper=paper, verdict=verdict)
    if as_json:
        print_json(chosen)
        return
    rows = [
        [row["verdict"] + (" (stale)" if row["stale"] else ""), row["id"], row["statement"]] for row in chosen
    ]
    print_list(f"{len(chosen)} claims", ["verdict", "claim", "what is said"], rows)
    typer.echo("`gptrepro claim ID` says more of one: what was measured, by which rule, from which record.")


@app.command()
def claim(
    name: Annotated[str, typer.Argument(metavar="ID", help="A claim.")],
    recompute: Recompute = False,
    as_json: AsJson = False,
) -> None:
    """One claim: what the paper says, the verdict, its test, and the records that it rests on."""
    from gptrepro.claims.stored import find

    row = find(_ledger(recompute), name)
    if as_json:
        print_json(row)
        return
    typer.echo(row["statement"])
    test = None
    if row["p_value"] is not None:
        low, high = row["interval"]
        test = (
            f"{row['effect']} {row['size']:g} ({low:g} to {high:g}), n = {row['n']}, p = {row['p_value']:.3g}"
        )
    lines = {
        "where": f"{row['paper']}, {row['where']}",
        "published": row["published_text"],
        "measured": row["measured_text"],
        "verdict": f"{row['verdict']} (rests on: {row['basis']})",
        "why": row["reason"],
        "test": test,
        "stale": row["stale"],
        "rule": row["rule"] and f"{row['rule']} {json.dumps(row['arguments'], ensure_ascii=False)}",
        "chapter": row["chapter"],
        "in the book": row["address"],
    }
    for label, text in lines.items():
        if text:
            typer.echo(f"{label}: {text}")
    for record in row["records"]:
        commits = ", ".join(commit[:8] for commit in record["commits"])
        typer.echo(f"record: {record['experiment']} at {record['scale']}, {record['digest'][:12]}, {commits}")


def _ledger(recompute: bool) -> list[dict[str, Any]]:
    """The stored verdicts; judged afresh where that is asked for, or where they are of other claims."""
    from gptrepro.claims.stored import read_verdicts

    stored = None if recompute else read_verdicts()
    if stored is not None:
        return stored
    if not recompute:
        typer.echo("Claims or records have changed since they were judged: judging them afresh.", err=True)
    import torch

    from gptrepro.claims import judge, load_claims
    from gptrepro.claims.export import full_rows

    torch.set_num_threads(1)  # probes are many small operations: a second thread only waits
    return full_rows(judge(load_claims()))


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
        print_json([row.as_row() for row in rows])
        return
    lines: list[list[str]] = []
    for row in rows:
        if [row.experiment] not in lines:
            lines.append([row.experiment])
        costs = [short_count(row.parameters), f"{row.tokens:.2e}", f"{row.flops:.2e}"]
        gibibytes = f"{row.memory_bytes / 2**30:.1f}"
        dollars = f"{row.dollars:,.2f}" if row.gpus else "-"
        lines.append([f"  {row.scale}", str(row.seeds), *costs, gibibytes, row.time, dollars])
    print_table(
        "Plans (for all report seeds together)",
        ["  scale", "seeds", "parameters", "tokens", "FLOPs", "GiB", "time", "USD"],
        lines,
    )
    if only:
        minutes, rent = sum(row.seconds for row in rows) / 60, sum(row.dollars for row in rows)
        typer.echo(f"In all {minutes:,.0f} minutes" + (f" and {rent:,.2f} dollars." if rent else "."))
    typer.echo(rows[0].assumptions)


@app.command()
def book(
    output: Annotated[Path | None, typer.Option(help="Folder for the build; _build when left out.")] = None,
    stored: Annotated[
        bool, typer.Option(help="Run nothing: show the outputs that the notebooks store.")
    ] = False,
    strict: Annotated[bool, typer.Option(help="Treat warnings as errors.")] = False,
) -> None:
    """Run the notebooks and build the book as HTML."""
    from gptrepro.book import build_book

    root = storage.project_root()
    first = build_book(root, output=output or root / "_build", stored=stored, strict=strict)
    typer.echo(first.as_uri())


@app.command()
def refresh(
    what: Annotated[list[str] | None, typer.Argument(help="Parts of notebook paths, as in gpt1/01.")] = None,
) -> None:
    """Renew the outputs stored in the notebooks: the only thing that writes them."""
    from gptrepro.book import refresh as refresh_notebooks

    for path in refresh_notebooks(storage.project_root(), what or ()):
        typer.echo(f"refreshed {path}")
