"""How many threads a run may use."""

from __future__ import annotations

import os

from gptrepro.errors import GptreproError

MOST_THREADS = 4096
"""More than any machine has cores; far more crash the process when they are started."""


def threads() -> int:
    """Processor threads that a run may use: ``GPTREPRO_THREADS``, or every core of the machine.

    Raises:
        GptreproError: the variable holds no such number.
    """
    configured = os.environ.get("GPTREPRO_THREADS", "")
    if not configured:
        return os.cpu_count() or 1
    if not configured.isdecimal() or not 1 <= int(configured) <= MOST_THREADS:
        raise GptreproError(
            f"GPTREPRO_THREADS must be a whole number from 1 to {MOST_THREADS}, not '{configured}'."
        )
    return int(configured)
