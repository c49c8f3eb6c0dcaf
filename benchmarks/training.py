"""Training speed and memory beside `transformers`, both at their best, in one run.

    python benchmarks/training.py [--steps 12] [--rounds 2] [--dropout 0.0] [--skip-124m]

The small shape has 6 layers, width 256, 8,192 tokens of vocabulary, context 256 and batch 16; the 124M
shape is GPT-2's. Both sides train a pre-norm GPT-2 with fused AdamW and clipping on random tokens, in bf16
autocast where the device is fast at it and in fp32 elsewhere, once eager and once compiled: the faster of
the two counts. Ours runs the real loop (`gptrepro.train.loop.train`), checkpoint apart. Each measurement is a
process of its own, and the sides take turns, so that a busy machine hurts both.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from gptrepro.model import Decoder, DecoderConfig
from gptrepro.model.counting import training_flops_per_token
from gptrepro.train.loop import train
from gptrepro.train.precision import choose_device, choose_precision
from gptrepro.train.settings import TrainSettings

WARM_UP_STEPS = 3


@dataclass(frozen=True)
class Shape:
    """A model and its batch."""

    n_layers: int
    d_model: int
    n_heads: int
    n_vocab: int
    context: int
    batch: int
    most_steps: int | None = None
    """Measured updates at most, where one takes many seconds."""

    def config(self, dropout: float) -> DecoderConfig:
        """Our configuration of a GPT-2 of this shape."""
        return DecoderConfig(
            n_vocab=self.n_vocab,
            n_ctx=self.context,
            n_layers=self.n_layers,
            d_model=self.d_model,
            n_heads=self.n_heads,
            norm="pre",
            residual_init="scaled",
            dropout=dropout,
        )


def shapes(device: torch.device) -> dict[str, Shape]:
    """The measured shapes; on a GPU the batch of the 124M shape fills it."""
    return {
        "small": Shape(6, 256, 4, 8192, 256, 16),
        "124m": Shape(12, 768, 12, 50_257, 1024, 8)
        if device.type == "cuda"
        else Shape(12, 768, 12, 50_257, 1024, 1, most_steps=3),
    }


class Stopwatch:
    """Random batches that note when each is asked for: the time between two is that of an update."""

    def __init__(self, shape: Shape, device: torch.device) -> None:
        self.batch_size = shape.batch
        self._device = device
        ids = torch.randint(0, shape.n_vocab, (shape.batch, shape.context + 1))
        self.batch = ids[:, :-1].contiguous(), ids[:, 1:].contiguous()
        self.moments: list[float] = []

    def next(self) -> tuple[Tensor, Tensor]:
        if self._device.type == "cuda":
            torch.cuda.synchronize()
        self.moments.append(time.perf_counter())
        return self.batch

    def state_dict(self) -> dict[str, Any]:
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        pass

    def seconds(self) -> float:
        """The median time of an update, the first ones apart."""
        moments = self.moments[WARM_UP_STEPS:]
        return statistics.median(later - earlier for earlier, later in pairwise(moments))


def run_ours(shape: Shape, dropout: float, steps: int, compiled: bool, device: torch.device) -> Stopwatch:
    """Our loop on our model."""
    watch = Stopwatch(shape, device)
    settings = TrainSettings(
        steps=steps,
        batch_size=shape.batch,
        context=shape.context,
        peak_lr=1e-3,
        compile=compiled,
        log_every=steps,
    )
    with tempfile.TemporaryDirectory() as folder:
        train(Decoder(shape.config(dropout)), watch, settings, Path(folder), progress=False)
    return watch


def run_peer(shape: Shape, dropout: float, steps: int, compiled: bool, device: torch.device) -> Stopwatch:
    """`transformers`' GPT-2 in a loop without anything that is not training."""
    from transformers import GPT2Config, GPT2LMHeadModel

    config = GPT2Config(  # type: ignore[call-arg]
        vocab_size=shape.n_vocab,
        n_positions=shape.context,
        n_embd=shape.d_model,
        n_layer=shape.n_layers,
        n_head=shape.n_heads,
        resid_pdrop=dropout,
        embd_pdrop=dropout,
        attn_pdrop=dropout,
        attn_implementation="sdpa",
        use_cache=False,
        bos_token_id=0,
        eos_token_id=0,
    )
    peer: nn.Module = GPT2LMHeadModel(config)
    model = peer.to(device).train()
    forward: Callable[..., Any] = torch.compile(model) if compiled else model
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, weight_decay=0.01, fused=True)
    precision = choose_precision("auto", device)
    watch = Stopwatch(shape, device)
    for _ in range(steps):
        ids = watch.next()[0].to(device)
        with precision.autocast():
            loss = forward(input_ids=ids, labels=ids).loss
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
    return watch


def peak_memory(device: torch.device) -> float:
    """Peak memory of this process (on a GPU: of its tensors), in MB."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated() / 1e6
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 1e6 if sys.platform == "darwin" else peak * 1024 / 1e6


def matmul_peak(device: torch.device, dtype: torch.dtype) -> float:
    """The best rate that square matrix products reach, in FLOP/s."""
    best = 0.0
    sizes = (256, 1024, 2048, 4096) if device.type == "cpu" else (4096, 8192)
    for size in sizes:
        a = torch.randn(size, size, device=device, dtype=dtype)
        b = torch.randn(size, size, device=device, dtype=dtype)
        for _ in range(4):
            start = time.perf_counter()
            a @ b
            if device.type == "cuda":
                torch.cuda.synchronize()
            seconds = time.perf_counter() - start
            best = max(best, 2 * size**3 / seconds)
        if seconds > 1:  # an emulated format: larger products take minutes and are no faster
            break
    return best


def work(arguments: argparse.Namespace) -> None:
    """One measurement, printed as JSON."""
    device = choose_device()
    torch.set_num_threads(arguments.threads)
    shape = shapes(device)[arguments.shape]
    before = peak_memory(device)
    run = run_ours if arguments.side == "ours" else run_peer
    steps = min(arguments.steps, shape.most_steps or arguments.steps)
    watch = run(shape, arguments.dropout, steps + WARM_UP_STEPS + 1, arguments.compiled, device)
    print(
        json.dumps(
            {
                "tokens_per_second": shape.batch * shape.context / watch.seconds(),
                "peak_mb": peak_memory(device),
                "before_mb": before,
            }
        )
    )


def measured(arguments: argparse.Namespace, shape: str, side: str, compiled: bool) -> dict[str, float] | None:
    """One measurement in a process of its own; None where it fails, as compilation may."""
    command = [sys.executable, __file__, "--side", side, "--shape", shape]
    command += ["--steps", str(arguments.steps), "--dropout", str(arguments.dropout)]
    command += ["--threads", str(arguments.threads)] + (["--compiled"] if compiled else [])
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        print(f"  {side} {'compiled' if compiled else 'eager'} failed: {done.stderr.strip()[-300:]}")
        return None
    values: dict[str, float] = json.loads(done.stdout.strip().splitlines()[-1])
    return values


def compare(arguments: argparse.Namespace, name: str, shape: Shape, peak: float) -> None:
    """Measure both sides in turns and print a table."""
    print(f"\n{name}: {shape}, dropout {arguments.dropout}")
    best: dict[str, tuple[float, str]] = {}
    for compiled in (False, True):
        mode = "compiled" if compiled else "eager"
        results: dict[str, list[dict[str, float]]] = {"ours": [], "peer": []}
        for _ in range(arguments.rounds):
            for side, values in results.items():
                value = measured(arguments, name, side, compiled)
                if value is not None:
                    values.append(value)
        for side, values in results.items():
            if not values:
                continue
            rate = max(value["tokens_per_second"] for value in values)
            memory = max(value["peak_mb"] for value in values)
            share = rate * training_flops_per_token(shape.config(0.0), shape.context) / peak
            print(
                f"  {side} {mode:8} {rate:9,.0f} tokens/s  {share:4.0%} of the peak  "
                f"{memory:6,.0f} MB at most ({values[0]['before_mb']:,.0f} MB before)",
            )
            best[side] = max(best.get(side, (0.0, "")), (rate, mode))
    if len(best) == 2:
        (ours, our_mode), (peer, peer_mode) = best["ours"], best["peer"]
        print(f"  ratio {ours / peer:.2f} (ours {our_mode}, peer {peer_mode})")


def main() -> None:
    """Parse the arguments; measure everything, or one thing where a side is named."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--steps", type=int, default=12, help="measured updates of each run")
    parser.add_argument("--rounds", type=int, default=2, help="runs of each side; the best counts")
    parser.add_argument("--dropout", type=float, default=0.0)
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--skip-124m", action="store_true", help="measure the small shape only")
    parser.add_argument("--side", choices=["ours", "peer"], help=argparse.SUPPRESS)
    parser.add_argument("--shape", choices=["small", "124m"], help=argparse.SUPPRESS)
    parser.add_argument("--compiled", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.side:
        work(arguments)
        return
    device = choose_device()
    torch.set_num_threads(arguments.threads)
    precision = choose_precision("auto", device).name
    peak_fp32, peak_bf16 = (matmul_peak(device, dtype) for dtype in (torch.float32, torch.bfloat16))
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    print(f"device {device}, {arguments.threads} threads, training in {precision}")
    print(f"matrix products: {peak_fp32 / 1e9:,.0f} GFLOP/s in fp32, {peak_bf16 / 1e9:,.0f} in bf16")
    peak = peak_bf16 if precision == "bf16" else peak_fp32
    for name, shape in shapes(device).items():
        if name == "small" or not arguments.skip_124m:
            compare(arguments, name, shape, peak)


if __name__ == "__main__":
    main()
