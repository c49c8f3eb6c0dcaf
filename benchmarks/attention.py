"""What dense and banded attention cost as the context grows: time and memory, forward and backward.

    python -m benchmarks.attention [--window 256] [--rounds 7]

One layer's attention alone, 4 heads of 64, batch 1, fp32, one thread. Each measurement is a process of its
own. Time is the CPU time of the fastest round, which other processes on the machine disturb least; memory is
what the process's peak grew by. The "score matrix" rows are dense attention written out, unfused.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time

import torch
from torch import Tensor

from gptrepro.model.attention import banded_attention, dense_attention

LENGTHS = (1024, 2048, 4096)
KINDS = ("score matrix", "dense", "banded")
GOAL = 4.5
"""Most growth of banded attention's time from the shortest length to the longest, which is 4 times it."""


def score_matrix_attention(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """Causal attention with all T x T scores in memory: (B, H, T, d_head) -> (B, H, T, d_head)."""
    unseen = torch.ones(q.shape[2], q.shape[2], dtype=torch.bool).triu(1)
    scores = q @ k.transpose(2, 3) / q.shape[3] ** 0.5  # (B, H, T, T)
    mixed: Tensor = scores.masked_fill(unseen, -torch.inf).softmax(-1) @ v
    return mixed


def peak_bytes() -> int:
    """The most memory that this process has held."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else 1024 * peak


def measure(kind: str, length: int, window: int, rounds: int) -> dict[str, float]:
    """CPU seconds of the fastest round, and bytes that the process grew by."""
    torch.set_num_threads(1)
    q, k, v = (torch.randn(1, 4, length, 64, requires_grad=True) for _ in range(3))
    before, seconds = peak_bytes(), []
    for _ in range(rounds):
        start = time.process_time()
        if kind == "banded":
            out = banded_attention(q, k, v, window)
        else:
            out = dense_attention(q, k, v) if kind == "dense" else score_matrix_attention(q, k, v)
        torch.autograd.grad(out.sum(), (q, k, v))
        seconds.append(time.process_time() - start)
    return {"seconds": min(seconds[1:]), "bytes": peak_bytes() - before}


def measure_apart(kind: str, length: int, window: int, rounds: int) -> dict[str, float]:
    """`measure` in a fresh process, for its own peak of memory."""
    code = (
        "import json; from benchmarks.attention import measure; print(json.dumps(measure({!r}, {}, {}, {})))"
    )
    call = [sys.executable, "-c", code.format(kind, length, window, rounds)]
    result: dict[str, float] = json.loads(subprocess.check_output(call))
    return result


def main() -> None:
    """Print the table and whether banded attention keeps its promise."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--window", type=int, default=256)
    parser.add_argument("--rounds", type=int, default=7)
    arguments = parser.parse_args()
    print(f"attention, forward and backward, window {arguments.window}")
    print(f"{'':14}" + "".join(f"{f'T = {length}':>22}" for length in LENGTHS) + f"{'growth':>18}")
    for kind in KINDS:
        found = [measure_apart(kind, length, arguments.window, arguments.rounds) for length in LENGTHS]
        cells = "".join(f"{f['seconds'] * 1e3:>11.1f} ms {f['bytes'] / 2**20:>5.0f} MB" for f in found)
        time_growth = found[-1]["seconds"] / found[0]["seconds"]
        memory_growth = found[-1]["bytes"] / found[0]["bytes"]
        print(f"{kind:14}{cells}{time_growth:>9.1f}x time{memory_growth:>6.1f}x memory")
        if kind == "banded":
            verdict = "kept" if time_growth <= GOAL else "MISSED"
            print(
                f"goal: banded time grows at most {GOAL}x from T = {LENGTHS[0]} to {LENGTHS[-1]}: {verdict}"
            )


if __name__ == "__main__":
    main()
