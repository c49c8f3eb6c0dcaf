"""One notebook in a process of its own: ``python -m gptrepro.book.worker NOTEBOOK TARGET``.

Says on standard output, one JSON object a line, which cell starts and, at last, what went wrong. Nobody
else writes there: what a kernel's programs print goes to standard error.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import TextIO

from gptrepro.book.execute import NotebookError, execute_notebook
from gptrepro.book.notebooks import read_notebook, write_notebook
from gptrepro.errors import GptreproError


def private_stdout() -> TextIO:
    """Standard output for this process alone; what it starts from now on writes to standard error."""
    channel = os.fdopen(os.dup(1), "w", encoding="utf-8")  # a copy is not inherited
    os.dup2(2, 1)
    return channel


def main(notebook: str, target: str, channel: TextIO) -> int:
    """Execute ``notebook`` into ``target``, saying so on ``channel``; 0 when it ran to its end."""

    def say(**what: object) -> None:
        print(json.dumps(what), file=channel, flush=True)

    path = Path(notebook)
    try:
        total = len(read_notebook(path).cells)
        executed = execute_notebook(path, on_cell=lambda number: say(cell=number, of=total))
    except NotebookError as error:
        say(error=str(error), details=error.details)
        return 1
    except GptreproError as error:
        say(error=str(error))
        return 1
    write_notebook(Path(target), executed)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2], private_stdout()))
