"""A process that is killed in the middle of what it does."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path


def killed_while(code: str, folder: Path) -> None:
    """Run ``code`` in another process, in ``folder``, and kill it when it says that it is ready."""
    program = f"from pathlib import Path\nfrom gptrepro import storage\n{code}"
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen([sys.executable, "-c", program], cwd=folder, **pipes) as process:
        assert process.stdout is not None and process.stdout.readline() == b"ready\n"
        process.kill()
