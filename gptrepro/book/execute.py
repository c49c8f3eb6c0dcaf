"""Executing notebooks through papermill: never in place, several at a time, each failure named."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import papermill
from jupyter_client.kernelspec import NoSuchKernel, get_kernel_spec
from nbclient.exceptions import CellControlSignal, CellTimeoutError, DeadKernelError
from papermill.exceptions import PapermillExecutionError, strip_color
from pydantic import BaseModel, ConfigDict

from gptrepro import storage
from gptrepro.book.notebooks import Notebook, check_parameters, normalise, read_notebook
from gptrepro.errors import GptreproError
from gptrepro.progress import BuildDisplay

JOBS = 2
"""Notebooks executed at a time: starting a kernel and importing torch keeps one core busy."""


CELL_SECONDS = 1800
"""What a cell may take that only reads records; with another ``RUN`` it takes what its experiments take."""


class NotebookError(GptreproError):
    """A notebook failed; ``details`` holds the traceback of the cell."""

    def __init__(self, message: str, details: str = "") -> None:
        super().__init__(message)
        self.details = details


def label(path: Path) -> str:
    """A notebook as messages name it: ``gpt1/01-model.ipynb``."""
    return f"{path.parent.name}/{path.name}"


def execute_notebook(
    path: Path,
    *,
    parameters: Mapping[str, str] | None = None,
    on_cell: Callable[[int], None] = lambda number: None,
    cell_seconds: int = CELL_SECONDS,
) -> Notebook:
    """Execute a notebook in a fresh kernel, in its own folder, and return it with its new outputs.

    The file itself stays as it is. Without ``parameters`` the notebook's own values hold. ``on_cell`` is
    told the number of each cell, from 1, as it starts. No cell takes longer than ``cell_seconds``, unless
    ``RUN`` asks for experiments.

    Raises:
        NotebookError: a cell failed or took too long, or the kernel died; the message names notebook, cell
            and error.
        GptreproError: the notebook cannot be read or lacks a parameter.
    """
    path = path.resolve()
    total = len(read_notebook(path).cells)
    values = check_parameters(path, parameters or {})
    last = 0

    def started(cell: Notebook, cell_index: int) -> None:
        nonlocal last
        last = cell_index + 1
        on_cell(last)

    try:
        notebook = papermill.execute_notebook(
            path,
            None,
            parameters=dict(parameters or {}),
            kernel_name="python3",
            progress_bar=False,
            resources={"metadata": {"path": str(path.parent)}},
            on_cell_start=started,
            execution_timeout=cell_seconds if values["RUN"] == "never" else None,
        )
    except PapermillExecutionError as error:
        raise NotebookError(
            f"{label(path)} failed in cell {last} of {total}: {error.ename}: {error.evalue}",
            strip_color("\n".join(error.traceback)),
        ) from error
    except CellTimeoutError as error:
        raise NotebookError(
            f"{label(path)} failed in cell {last} of {total}: it had not ended after {cell_seconds} seconds"
        ) from error
    except (DeadKernelError, CellControlSignal) as error:
        raise NotebookError(f"{label(path)} failed in cell {last} of {total}: {error}") from error
    return normalise(notebook)


def require_kernel() -> None:
    """Return if the kernel that notebooks ask for can start at all, which takes a second to see.

    Raises:
        GptreproError: there is none, or its Python lacks what it needs.
    """
    otherwise = f"run `{sys.executable} -m pip install --force-reinstall ipykernel`"
    try:
        python, *_ = get_kernel_spec("python3").argv
        python = python if Path(python).is_absolute() else sys.executable  # as jupyter_client has it
        done = subprocess.run(
            [python, "-c", "import ipykernel.kernelapp"], capture_output=True, text=True, timeout=60
        )
    except (NoSuchKernel, OSError, ValueError, subprocess.TimeoutExpired) as error:
        raise GptreproError(
            f"No notebook can run: its kernel cannot start ({error}): {otherwise}."
        ) from error
    if done.returncode != 0:
        why = done.stderr.strip().splitlines()[-1:] or ["it ends at once"]
        raise GptreproError(f"No notebook can run: the kernel cannot start ({why[0]}): {otherwise}.")


@dataclass(frozen=True)
class Failure:
    """A notebook that did not run to its end."""

    notebook: Path
    message: str
    details: str


def raise_failures(failures: Sequence[Failure], report: BuildDisplay) -> None:
    """Show the traceback of each failure, then raise one error that names them all.

    Raises:
        GptreproError: there is at least one failure.
    """
    for failure in failures:
        report.say(f"\n{failure.notebook.as_posix()}\n{failure.details.strip()}")
    if failures:
        raise GptreproError("\n".join(failure.message for failure in failures))


def execute_notebooks(
    root: Path,
    notebooks: Sequence[Path],
    output: Path,
    *,
    report: BuildDisplay,
    environment: Mapping[str, str] | None = None,
    jobs: int = JOBS,
    on_done: Callable[[Path, float], None] = lambda name, seconds: None,
) -> list[Failure]:
    """Execute ``notebooks`` (relative to ``root``) at their own values into the same places below ``output``.

    All of them run, whichever fail; a failed one leaves no file behind. Each runs in a process of its own,
    so that an interrupt ends all kernels at once. ``environment`` adds to the variables they see.
    ``on_done`` is told each one that ran to its end, and how many seconds it took.
    """
    # Kernels side by side share the cores, unless the reader chose a number of threads.
    share = str(max(1, (os.cpu_count() or 1) // jobs))
    variables = {"OMP_NUM_THREADS": share, "GPTREPRO_THREADS": share} | os.environ | dict(environment or {})

    def one(name: Path) -> Failure | None:
        (output / name).unlink(missing_ok=True)
        began = time.monotonic()
        failure = _in_worker(root / name, output / name, name, variables, report)
        if failure is None:
            on_done(name, time.monotonic() - began)
        return failure

    with ThreadPoolExecutor(jobs) as pool:
        return [failure for failure in pool.map(one, notebooks) if failure is not None]


def _in_worker(
    path: Path, target: Path, name: Path, variables: Mapping[str, str], report: BuildDisplay
) -> Failure | None:
    """Execute one notebook in ``gptrepro.book.worker`` and follow what it says, one JSON object a line."""
    command = [sys.executable, "-m", "gptrepro.book.worker", str(path), str(target)]
    said: dict[str, str] = {"error": f"{label(path)} failed: its process ended without a word"}
    with report.notebook(name.as_posix()) as follow, tempfile.TemporaryFile() as noise:
        with subprocess.Popen(
            command, env=dict(variables), stdout=subprocess.PIPE, stderr=noise, text=True, encoding="utf-8"
        ) as worker:
            assert worker.stdout is not None
            for line in worker.stdout:
                said = json.loads(line)
                if "cell" in said:
                    follow.cell(int(said["cell"]), int(said["of"]))
        if worker.returncode == 0:
            follow.done()
            return None
        noise.seek(0)
        details = said.get("details") or noise.read().decode(errors="replace")[-2000:]
    return Failure(name, said.get("error") or f"{label(path)} failed: its process was ended", details)


class Execution(BaseModel):
    """When a notebook last ran to its end, and how long it took."""

    model_config = ConfigDict(frozen=True)

    seconds: float
    finished: datetime


def note_execution(notebook: Path, seconds: float) -> None:
    """Keep, beside an executed notebook, how long it took."""
    noted = Execution(seconds=seconds, finished=datetime.now(UTC))
    storage.write_text(_note(notebook), noted.model_dump_json())


def read_execution(notebook: Path) -> Execution | None:
    """What was kept beside an executed notebook, or None where nothing readable was."""
    try:
        return storage.read_json(_note(notebook), Execution)
    except GptreproError:
        return None


def _note(notebook: Path) -> Path:
    return notebook.with_suffix(".execution.json")
