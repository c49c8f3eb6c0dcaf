"""Tokens per second beside ``transformers`` ``generate``: 6 layers, width 256, batch 1, greedy, on the CPU.

    python -m benchmarks.generation [--new 200] [--rounds 7]

Both sides hold the same weights, are warmed, and take turns in one process, so that a busy machine hurts
both; the output must be the same tokens. The table gives the median and best rate by the clock, and the CPU
time per token, which other processes on the machine disturb least. Every token needs every weight once: the
last line compares with the time that reading them takes, below which no decoder in fp32 can go.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable

import torch
from transformers import GPT2Config, GPT2LMHeadModel

from gptrepro.generation.sampling import generate
from gptrepro.model import Decoder, DecoderConfig

CONFIG = DecoderConfig(
    n_vocab=8192, n_ctx=512, n_layers=6, d_model=256, n_heads=4, norm="pre", residual_init="scaled"
)
PROMPT = 32
GOAL = 5.0
"""Times the rate of transformers."""


def transformers_twin(ours: Decoder) -> GPT2LMHeadModel:
    """Their model with our weights, set to write as many tokens as it is asked for."""
    c = ours.config
    theirs = GPT2LMHeadModel(
        GPT2Config(
            vocab_size=c.n_vocab, n_positions=c.n_ctx, n_embd=c.d_model, n_layer=c.n_layers, n_head=c.n_heads
        )
    )
    theirs.transformer.load_state_dict(ours.state_dict())
    theirs.train(False)
    theirs.generation_config.eos_token_id = None
    theirs.generation_config.pad_token_id = 0
    return theirs


def main() -> None:
    """Print the table and whether the goal is reached."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--new", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=7)
    arguments = parser.parse_args()
    new: int = arguments.new

    torch.set_num_threads(1)  # one token of a small model leaves a second core nothing to do
    torch.manual_seed(0)
    ours = Decoder(CONFIG).eval()
    theirs = transformers_twin(ours)
    ids = torch.randint(CONFIG.n_vocab, (1, PROMPT))
    everything = torch.ones_like(ids)

    def write_ours() -> list[int]:
        return generate(ours, ids.tolist(), new)[0]

    def write_theirs() -> list[int]:
        written = theirs.generate(ids, attention_mask=everything, max_new_tokens=new, do_sample=False)
        tokens: list[int] = written[0, PROMPT:].tolist()
        return tokens

    sides: dict[str, Callable[[], list[int]]] = {"transformers": write_theirs, "gptrepro": write_ours}
    outputs = {name: write() for name, write in sides.items()}  # warms both
    if outputs["gptrepro"] != outputs["transformers"]:
        raise SystemExit("The two sides write different tokens.")
    clock: dict[str, list[float]] = {name: [] for name in sides}
    cpu: dict[str, list[float]] = {name: [] for name in sides}
    reading: list[float] = []
    weights = [parameter.detach() for parameter in ours.parameters()]
    for _ in range(arguments.rounds):
        for _ in range(20):
            start = time.process_time()
            for weight in weights:
                weight.sum()
            reading.append(time.process_time() - start)
        for name, write in sides.items():
            start, cpu_start = time.perf_counter(), time.process_time()
            write()
            clock[name].append(time.perf_counter() - start)
            cpu[name].append(time.process_time() - cpu_start)

    print(f"greedy generation, {new} tokens after a prompt of {PROMPT}, fp32, the same tokens from both")
    print(f"{'':14}{'median tokens/s':>16}{'best tokens/s':>16}{'CPU ms/token':>16}")
    for name in sides:
        median, best = new / statistics.median(clock[name]), new / min(clock[name])
        print(f"{name:14}{median:>16.0f}{best:>16.0f}{min(cpu[name]) / new * 1e3:>16.2f}")
    by_median = statistics.median(clock["transformers"]) / statistics.median(clock["gptrepro"])
    by_best = min(clock["transformers"]) / min(clock["gptrepro"])
    by_cpu = min(cpu["transformers"]) / min(cpu["gptrepro"])
    verdict = "reached" if by_median >= GOAL else "MISSED"
    print(f"{'ratio':14}{by_median:>15.1f}x{by_best:>15.1f}x{by_cpu:>15.1f}x")
    print(f"goal: {GOAL:.0f} times the tokens per second of transformers, by the median: {verdict}")
    megabytes = sum(weight.nbytes for weight in weights) / 1e6
    once = statistics.median(reading)
    print(f"reading the {megabytes:.0f} MB of weights once: {once * 1e3:.2f} ms, which is", end=" ")
    print(f"{min(cpu['transformers']) / new / once:.1f} times the rate of transformers")


if __name__ == "__main__":
    main()
