"""The Status page: how the copy of the book that one reads was made; written by each build of pages."""

from __future__ import annotations

import platform
from collections.abc import Iterable, Sequence
from html import escape
from importlib import metadata
from pathlib import Path

from gptrepro import storage
from gptrepro.book.contents import Contents
from gptrepro.book.execute import read_execution
from gptrepro.book.notebooks import Notebook, read_notebook
from gptrepro.experiments import EXPERIMENTS
from gptrepro.results import Record, read_record, renewal, stale_reason
from gptrepro.results.record import Hardware, library_versions
from gptrepro.results.store import UNCOMMITTED, code_state
from gptrepro.scales import largest_first

TOOLS = ("jupyter-book", "sphinx", "myst-nb", "papermill", "matplotlib")
"""What makes pages of notebooks, beside the libraries that can move a measurement."""


def status_page(contents: Contents, executed: Path, *, stored: bool = False) -> str:
    """The page as MyST Markdown.

    Args:
        contents: of the book; every notebook of it has run, unless ``stored``.
        executed: where the executed notebooks lie, under their paths in the book.
        stored: the notebooks show the outputs that the repository stores; none was executed.
    """
    return "\n\n".join(
        [
            "# Status",
            "How the copy of the book that you are reading was made. The build writes this page from what it "
            "did; the repository does not store it. What has not changed keeps the figures of its last run.",
            "## Source",
            _source(contents),
            "## Notebooks",
            *_notebooks(contents, executed, stored),
            "## Software and hardware",
            _surroundings(),
            "## Published records",
            *_records(),
            "",
        ]
    )


def _table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table; a bar inside a cell is escaped."""
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", r"\|") for cell in line) + " |" for line in lines)


def _duration(seconds: float) -> str:
    """Seconds, minutes or hours, whichever reads best."""
    if seconds < 90:
        return f"{seconds:.0f}\N{NO-BREAK SPACE}s"
    hours = seconds >= 90 * 60
    return f"{seconds / 3600:.1f}\N{NO-BREAK SPACE}h" if hours else f"{seconds / 60:.0f}\N{NO-BREAK SPACE}min"


def _date(moment: str) -> str:
    """The day of an ISO 8601 moment, in one piece."""
    return f'<span class="date">{escape(moment[:10])}</span>'


def _commit(state: str, repository: str | None) -> str:
    """A commit as text, linked to the repository."""
    commit = state.removesuffix(UNCOMMITTED)
    short = f"`{commit[:8]}`"
    return f"[{short}]({repository}/commit/{commit})" if repository else short


def _source(contents: Contents) -> str:
    state = code_state()
    if state in ("no git", "no repository", "refused by git"):
        return "The pages were built from a folder without version control, so that no commit can be named."
    tree = (
        "The work tree had **uncommitted changes**: the pages may show what no commit holds."
        if state.endswith(UNCOMMITTED)
        else "The work tree was **clean**: the pages show what this commit holds."
    )
    return f"Built from commit {_commit(state, contents.repository)}. {tree}"


def _notebooks(contents: Contents, executed: Path, stored: bool) -> Iterable[str]:
    rows = []
    total = 0.0
    ran = '<span class="verdict verdict-good">ran to its end</span>'
    result = "as stored" if stored else ran
    for name in contents.notebooks:
        notebook = read_notebook(executed / name)
        run = read_execution(executed / name)
        total += run.seconds if run else 0
        rows.append(
            [
                f"[{_title(notebook)}](../{name.as_posix()})",
                f"`{name.parent.name}/{name.stem}`",
                result,
                str(_checks(notebook)),
                _duration(run.seconds) if run else "",
                _date(run.finished.isoformat()) if run else "",
            ]
        )
    how = (
        f"{len(rows)} notebooks were executed, which took {_duration(total)} in all, and every assertion in "
    )
    how += "them held: a notebook that fails keeps the pages from being built."
    if stored:
        how = (
            f"The {len(rows)} notebooks were **not executed** for this copy: they show the outputs that the "
        )
        how += "repository stores. `gptrepro book` executes them."
    yield how
    yield _table(["Notebook", "File", "Result", "Assertions", "Run time", "Last run"], rows)


def _title(notebook: Notebook) -> str:
    text = next(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    return str(text.partition("\n")[0].lstrip("# "))


def _checks(notebook: Notebook) -> int:
    """How many assertions a notebook makes."""
    lines = (line for cell in notebook.cells if cell.cell_type == "code" for line in cell.source.splitlines())
    return sum(line.lstrip().startswith("assert ") for line in lines)


def _surroundings() -> str:
    here = Hardware.here()
    versions = library_versions() | {tool: metadata.version(tool) for tool in TOOLS}
    rows = [
        ["Processor", escape(here.processor)],
        ["Cores", f"{here.cores}, of which a run may use {here.threads}"],
        ["Accelerator", escape(here.accelerator or "none")],
        ["Operating system", f"{platform.system()}, {platform.machine()}"],
        *([name.capitalize() if name == "python" else name, version] for name, version in versions.items()),
    ]
    return _table(["What", "Which"], rows)


def _records() -> Iterable[str]:
    """The published records, and the experiments that have none."""
    published = [
        read_record(path)
        for scale in largest_first()
        for path in sorted((storage.data_folder() / "results" / scale).glob("*.json"))
    ]
    if published:
        yield (
            "What the verdicts of experiments rest on. A record is *stale* when the experiment, its "
            "settings or its data have changed since; its verdict is marked until it is renewed."
        )
        yield _table(
            ["Experiment", "State", "Scale", "Seeds", "Time", "Finished", "Commit", "Hardware"],
            [_record_row(record) for record in published],
        )
    missing = sorted(set(EXPERIMENTS) - {record.experiment for record in published})
    if missing:
        yield "These experiments have no published record at any scale; the command makes one."
        yield _table(
            ["Experiment", "Command"],
            [[f"`{name}`", f"`gptrepro run {name} && gptrepro publish {name}`"] for name in missing],
        )


def _record_row(record: Record) -> list[str]:
    experiment = EXPERIMENTS.get(record.experiment)
    reason = stale_reason(record, experiment) if experiment else "the experiment no longer exists"
    state = '<span class="verdict verdict-good">current</span>'
    if reason:
        state = f'<span class="badge-stale">stale</span> {reason}'
        state += f"; renew it with `{renewal(record)}`" if experiment else ""
    machines = sorted({f"{run.hardware.accelerator or run.hardware.processor}" for run in record.runs})
    commits = sorted({commit for run in record.runs for commit in run.commits})
    return [
        f"`{record.experiment}`",
        state,
        record.scale,
        ", ".join(map(str, record.seeds)),
        _duration(sum(run.wall_seconds for run in record.runs)),
        _date(max(run.finished for run in record.runs)),
        ", ".join(f"`{commit[:8]}`" for commit in commits),
        escape("; ".join(machines)),
    ]
