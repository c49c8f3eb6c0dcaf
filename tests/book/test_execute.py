from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from gptrepro.book import execute
from gptrepro.book.execute import (
    NotebookError,
    execute_notebook,
    execute_notebooks,
    raise_failures,
    require_kernel,
)
from gptrepro.book.notebooks import read_notebook
from gptrepro.errors import GptreproError
from gptrepro.progress import BuildDisplay

from .conftest import write_notebook


def test_parameters_replace_the_notebooks_own_values(tmp_path: Path) -> None:
    path = write_notebook(tmp_path / "n.ipynb", "print(SCALE, RUN)")
    before = path.read_bytes()
    cells: list[int] = []
    executed = execute_notebook(path, parameters={"SCALE": "smoke"}, on_cell=cells.append)
    assert executed.cells[-1].outputs[0].text == "smoke never\n"
    assert cells == [1, 2, 3, 4]  # the given parameters are a cell of their own
    assert path.read_bytes() == before


def test_a_failing_cell_is_named(tmp_path: Path) -> None:
    path = write_notebook(tmp_path / "gpt9/07-wrong.ipynb", "1", "assert 2 + 2 == 5, 'the sum is off'")
    with pytest.raises(
        NotebookError, match=r"^gpt9/07-wrong.ipynb failed in cell 4 of 4: AssertionError: the sum is off"
    ) as raised:
        execute_notebook(path)
    assert "2 + 2 == 5" in raised.value.details


def test_a_kernel_that_dies_is_a_failure_too(tmp_path: Path) -> None:
    path = write_notebook(tmp_path / "gpt9/08-dead.ipynb", "import os; os._exit(1)")
    with pytest.raises(NotebookError, match=r"gpt9/08-dead.ipynb failed in cell 3 of 3: .*died"):
        execute_notebook(path)


def test_a_kernel_that_cannot_start_is_named_before_any_notebook_runs(monkeypatch, tmp_path: Path) -> None:
    require_kernel()
    broken = SimpleNamespace(argv=[str(tmp_path / "no-python"), "-m", "ipykernel_launcher"])
    monkeypatch.setattr(execute, "get_kernel_spec", lambda name: broken)
    with pytest.raises(GptreproError, match=r"kernel cannot start .*no-python.*pip install"):
        require_kernel()
    python = tmp_path / "no-python"
    python.write_text("#!/bin/sh\necho 'ModuleNotFoundError: no ipykernel' >&2\nexit 1\n")
    python.chmod(0o755)
    with pytest.raises(GptreproError, match=r"cannot start .ModuleNotFoundError: no ipykernel"):
        require_kernel()


def test_a_cell_that_does_not_end_is_a_failure_unless_experiments_run(tmp_path: Path) -> None:
    path = write_notebook(tmp_path / "gpt9/09-slow.ipynb", "import time; time.sleep(3); RUN")
    with pytest.raises(NotebookError, match=r"cell 3 of 3: it had not ended after 1 seconds$"):
        execute_notebook(path, cell_seconds=1)
    execute_notebook(path, parameters={"RUN": "missing"}, cell_seconds=1)


def test_what_a_notebooks_programs_print_is_no_word_of_its_worker(
    tmp_path: Path, report: BuildDisplay, log: io.StringIO
) -> None:
    name = Path("a/1.ipynb")
    write_notebook(tmp_path / name, "import os\nos.system('echo hello')\nos.write(1, b'{}\\n')")
    with report:
        assert execute_notebooks(tmp_path, [name], tmp_path / "output", report=report) == []
    assert "a/1.ipynb: done" in log.getvalue()


def test_one_failure_does_not_stop_the_others(tmp_path: Path, report: BuildDisplay, log: io.StringIO) -> None:
    source, output = tmp_path / "source", tmp_path / "output"
    names = [Path(name) for name in ("a/1.ipynb", "a/2.ipynb", "a/3.ipynb")]
    write_notebook(source / names[0], "raise RuntimeError('first')")
    write_notebook(source / names[1], "import os; print(os.environ['GPTREPRO_TEST'])")
    write_notebook(source / names[2], parameters=None)
    (output / "a").mkdir(parents=True)
    (output / names[0]).write_text("left over")

    with report:
        failures = execute_notebooks(
            source, names, output, report=report, environment={"GPTREPRO_TEST": "seen"}
        )

    assert [failure.notebook for failure in failures] == [names[0], names[2]]
    assert not (output / names[0]).exists()
    assert read_notebook(output / names[1]).cells[-1].outputs[0].text == "seen\n"
    assert "a/1.ipynb: failed" in log.getvalue()
    assert "a/2.ipynb: done" in log.getvalue()
    with pytest.raises(GptreproError, match=r"(?s)a/1.ipynb failed .*first.*3.ipynb does not declare"):
        raise_failures(failures, report)
    assert "RuntimeError" in log.getvalue()  # the traceback


@pytest.mark.skipif(os.name == "nt", reason="process groups are a POSIX thing")
def test_an_interrupt_ends_the_kernels(tmp_path: Path) -> None:
    code = "import os, pathlib, time\npathlib.Path('pid').write_text(str(os.getpid()))\ntime.sleep(300)"
    write_notebook(tmp_path / "a/1.ipynb", code)
    write_notebook(tmp_path / "a/2.ipynb", "open('never', 'w')")
    program = (
        # A shell starts what runs in its background with SIGINT ignored, and this test may run there.
        "import signal\nsignal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "from pathlib import Path\nfrom gptrepro.book.execute import execute_notebooks\n"
        "from gptrepro.progress import BuildDisplay\nnames = [Path('a/1.ipynb'), Path('a/2.ipynb')]\n"
        "execute_notebooks(Path(), names, Path('out'), report=BuildDisplay(), jobs=1)"
    )
    command = [sys.executable, "-c", program]
    with subprocess.Popen(
        command, cwd=tmp_path, start_new_session=True, stderr=subprocess.DEVNULL
    ) as running:
        pid = tmp_path / "a/pid"
        wait_until(lambda: pid.exists() and pid.read_text() != "")
        os.killpg(running.pid, signal.SIGINT)
        assert running.wait(timeout=60) != 0
    wait_until(lambda: not Path(f"/proc/{pid.read_text()}").exists())
    assert not (tmp_path / "a/never").exists()


def wait_until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < end, "it did not happen in two minutes"
        time.sleep(0.1)
