"""Building the book: notebooks first, then pages from their outputs, each only when something changed."""

from __future__ import annotations

import itertools
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from gptrepro import storage
from gptrepro.book.contents import STATUS, Contents, read_contents
from gptrepro.book.execute import execute_notebooks, note_execution, raise_failures, require_kernel
from gptrepro.book.stamp import fingerprint, is_current
from gptrepro.errors import GptreproError
from gptrepro.progress import BuildDisplay

LIBRARY = ("gptrepro", "data", "pyproject.toml", "constraints.txt")
"""What a notebook's outputs depend on besides the notebook itself."""

PAGES = ("book", "_config.yml", "_toc.yml")
"""What the pages depend on besides the executed notebooks and the library."""

INSTEAD = (
    "`gptrepro book --stored` builds the pages from the outputs that the notebooks store, and runs nothing."
)
"""What a reader without data or kernel can do."""

COLOUR = re.compile(r"\x1b\[[0-9;]*m")
"""Terminal colours, which Sphinx writes into pipes too."""


def build_book(
    root: Path,
    *,
    output: Path | None = None,
    stored: bool = False,
    strict: bool = False,
    force: bool = False,
    wait_seconds: float = 0.0,
) -> Path:
    """Execute every notebook of the book at its own parameters, build the pages, return the first page.

    A notebook whose file, library, data and local records are unchanged since its last execution, and whose
    executed copy is intact, is not executed again; when nothing at all changed, nothing is done.

    Args:
        root: the checkout.
        output: where everything goes; ``root/_build`` unless given.
        stored: execute nothing, and show the outputs that the notebooks store; needs neither data nor kernel.
        strict: treat warnings of the page build as errors.
        force: execute and build even what has not changed.
        wait_seconds: for another build in ``output`` to end.

    Raises:
        GptreproError: a notebook failed (all others were executed, and the pages stay as they were), or
            the page build did, or ``output`` cannot be written, or another build writes there.
    """
    root = root.resolve()
    output = (output or root / "_build").resolve()
    contents = read_contents(root)
    executed = root if stored else output / "executed"
    first = output / "html" / "index.html"
    busy = f"Another build is at work in {output}: let it finish, or choose another folder with --output."
    with storage.sole_holder(output, busy, wait_seconds), BuildDisplay() as report:
        storage.require_writable(output)
        if not stored:
            _execute(root, contents, executed, force=force, report=report)
        stamp = output / "html.stamp"
        digests = {name.as_posix(): storage.sha256_file(executed / name) for name in contents.notebooks}
        inputs = fingerprint(root, (*PAGES, *LIBRARY), notebooks=digests, stored=str(stored))
        value = f"{inputs} strict" if strict else inputs
        pages = fingerprint(output, ["html"])
        if force or not any(is_current(stamp, f"{made} {pages}") for made in (value, f"{inputs} strict")):
            report.say("Building the pages")
            stamp.unlink(missing_ok=True)
            _build_pages(root, contents, executed, output, strict=strict, report=report)
            storage.write_text(stamp, f"{value} {fingerprint(output, ['html'])}")
        else:
            report.say("Nothing has changed since the last build")
    return first


def _execute(root: Path, contents: Contents, executed: Path, *, force: bool, report: BuildDisplay) -> None:
    """Bring every executed notebook up to date."""
    library = fingerprint(root, LIBRARY) + fingerprint(storage.home(), _local_records())
    values = {name: fingerprint(root, [name], library=library) for name in contents.notebooks}
    due = [
        name
        for name in contents.notebooks
        if force or not is_current(_stamp(executed, name), _state(values[name], executed / name))
    ]
    if not due:
        return
    try:
        require_kernel()
    except GptreproError as error:
        raise GptreproError(f"{error} {INSTEAD}") from error
    report.say(f"Executing {len(due)} of {len(contents.notebooks)} notebooks")
    for name in due:
        _stamp(executed, name).unlink(missing_ok=True)

    def done(name: Path, seconds: float) -> None:
        note_execution(executed / name, seconds)

    failures = execute_notebooks(root, due, executed, report=report, on_done=done)
    failed = {failure.notebook for failure in failures}
    for name in due:
        if name not in failed:
            storage.write_text(_stamp(executed, name), _state(values[name], executed / name))
    if failures:
        report.say(INSTEAD)
    raise_failures(failures, report)


def _stamp(executed: Path, name: Path) -> Path:
    return (executed / name).with_suffix(".stamp")


def _state(value: str, executed: Path) -> str:
    """What a notebook was made from, and what came out: a damaged or missing copy is made again."""
    return f"{value} {storage.sha256_file(executed) if executed.is_file() else 'missing'}"


def _local_records() -> list[Path]:
    """Records under the home, which a notebook reports where none is published."""
    runs = storage.home() / "runs"
    return [path.relative_to(storage.home()) for path in sorted(runs.glob("**/record.json"))]


def _build_pages(
    root: Path, contents: Contents, executed: Path, output: Path, *, strict: bool, report: BuildDisplay
) -> None:
    """Build the pages aside and let them replace ``output/html`` as a whole."""
    with storage.scratch_folder(output, "pages") as scratch:
        source = scratch / "source"
        _assemble(root, contents, executed, source)
        with report.pages() as step:
            _jupyter_book(source, scratch, strict=strict, step=step, say=report.say)
        with storage.atomic_folder(output / "html") as target:
            shutil.copytree(scratch / "_build" / "html", target, dirs_exist_ok=True)


def _assemble(root: Path, contents: Contents, executed: Path, source: Path) -> None:
    """Lay out the book as in the checkout, with executed notebooks in the place of the stored ones.

    Pages keep their paths, so that links between them, to their sources and to the repository hold. The
    page about the build itself is written here, and nowhere else.
    """
    # It imports all experiments, and so torch, which a process that executes one notebook need not load.
    from gptrepro.book.status import status_page

    for entry in (*PAGES, *_as_data(root)):
        if (root / entry).is_dir():
            shutil.copytree(root / entry, source / entry, ignore=shutil.ignore_patterns(".*", "__pycache__"))
        else:
            (source / entry).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(root / entry, source / entry)
    for page in contents.pages:
        (source / page).parent.mkdir(parents=True, exist_ok=True)
        if page == STATUS:
            written = status_page(contents, executed, stored=executed == root)
            (source / page).write_text(written, encoding="utf-8")
            continue
        shutil.copy((executed if page in contents.notebooks else root) / page, source / page)


def _as_data(root: Path) -> list[str]:
    """The ledger's files, which ``_config.yml`` hands out beside the pages."""
    return [f"data/{path.name}" for path in sorted((root / "data").glob("*.*")) if path.suffix != ".md"]


def _jupyter_book(
    source: Path, output: Path, *, strict: bool, step: Callable[[str], None], say: Callable[[str], None]
) -> None:
    """Run Jupyter Book, showing its steps and keeping its warnings."""
    command = [sys.executable, "-c", "from jupyter_book.cli.main import main; main()", "build", str(source)]
    command += ["--path-output", str(output), "--all", "-n", "--keep-going", *(["-W"] if strict else [])]
    lines: list[str] = []
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        env=os.environ | {"PYTHONUTF8": "1"},
        cwd=source,
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            line = COLOUR.sub("", line).strip().replace(str(source) + os.sep, "")
            if "WARNING" in line or "ERROR" in line or "CRITICAL" in line:
                say(line)
            elif line:
                step(line)
                lines.append(line)
    if process.returncode != 0:
        # What follows the first traceback is Jupyter Book's own way to its exit.
        cause = list(itertools.takewhile(lambda line: not line.startswith("Traceback"), lines))
        say("\n".join(cause[-12:]))
        raise GptreproError(
            "The pages could not be built: the messages above say why."
            + (" Warnings count as errors here." if strict else "")
        )
