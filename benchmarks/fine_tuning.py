"""Labelled examples per second of our fine-tuning beside ``transformers``: GPT-1's recipe, in one run.

    python -m benchmarks.fine_tuning [--steps 12] [--rounds 5] [--threads 1]

Both sides hold the same weights, a GPT-1 of 4 layers, width 160, 5 heads, 6,000 tokens and context 128, and
read the same rows of SST-2 (one text) and SICK (two) in the same order, 32 at a time, in fp32: fused AdamW,
clipping, half of the language model's loss beside the task's. Ours runs the real loop
(`gptrepro.train.loop.train`), checkpoint apart. The peer pads a batch to its longest row, masks the padding
and computes the vocabulary's scores where a token is predicted, which its own heads do for padding as well;
it runs eager and compiled, and the faster counts. First both must give the same loss.

Where no tier serves the tasks, lines of the plays stand in, alone and in pairs, with arbitrary labels.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import islice, pairwise
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from transformers import OpenAIGPTConfig, OpenAIGPTModel

from gptrepro.errors import GptreproError
from gptrepro.finetune import EncodedExample, FineTuned, LabelledBatches, SpecialTokens, encode
from gptrepro.model import Decoder, DecoderConfig
from gptrepro.published import GPT1_FINE_TUNING
from gptrepro.sources.corpora import load_corpus
from gptrepro.tasks.gpt1 import TASKS
from gptrepro.tasks.labelled import Example, Task, load_task
from gptrepro.tokenizer import train_gpt1_bpe
from gptrepro.train.loop import train
from gptrepro.train.optimizer import build_optimizer

CONFIG = DecoderConfig(
    n_vocab=6000, n_ctx=128, n_layers=4, d_model=160, n_heads=5, init_std=0.044, dropout=0.0
)
COMPARED = ("sst2", "sick")
ROWS = 3000
GOAL = 1.3
"""Times the rate of transformers."""


def examples_of(task: Task) -> list[Example]:
    """Training rows of a task, or lines of the plays in their place."""
    try:
        return load_task(task).train[:ROWS]
    except GptreproError as error:
        print(f"{task.title}: lines of the plays stand in. ({error})")
    lines = (line for play in load_corpus("plays").documents() for line in play.split("\n") if line.strip())
    texts = list(islice(lines, ROWS * len(task.texts)))
    return [Example(pair, i % 2) for i, pair in enumerate(zip(*[iter(texts)] * len(task.texts), strict=True))]


class Peer(nn.Module):
    """A model of ``transformers`` with our weights, and what GPT-1's fine-tuning puts on it."""

    def __init__(self, ours: FineTuned) -> None:
        super().__init__()
        c = ours.body.config
        assert isinstance(c, DecoderConfig)
        config = OpenAIGPTConfig(
            vocab_size=c.n_vocab,
            n_positions=c.n_ctx,
            n_embd=c.d_model,
            n_layer=c.n_layers,
            n_head=c.n_heads,
            resid_pdrop=0.0,
            embd_pdrop=0.0,
            attn_pdrop=0.0,
        )
        body = OpenAIGPTModel(config)
        names = {"wte.weight": "tokens_embed.weight", "wpe.weight": "positions_embed.weight"}
        weights = {names.get(name, name): weight for name, weight in ours.body.state_dict().items()}
        body.load_state_dict(weights)
        self.body, self.extract = body, ours.special.extract
        self.drop = nn.Dropout(GPT1_FINE_TUNING.head_dropout)
        self.head = nn.Linear(c.d_model, len(ours.head.weight), bias=False)
        self.head.load_state_dict(ours.head.state_dict())

    def loss(self, ids: Tensor, labels: Tensor) -> Tensor:
        """The loss of `FineTuned`, for ids (B, 1, T) and labels (B,)."""
        ids = ids[:, 0]
        last = (ids == self.extract).int().argmax(-1)  # (B,)
        places = torch.arange(ids.shape[1])
        states = self.body(ids, attention_mask=(places <= last[:, None]).float())[0]  # (B, T, d_model)
        outputs = self.head(self.drop(states[torch.arange(len(ids)), last]))
        predicts = places[:-1] < last[:, None]  # (B, T - 1)
        scores = states[:, :-1][predicts] @ self.body.tokens_embed.weight.T
        each = F.cross_entropy(scores, ids[:, 1:][predicts], reduction="none")
        shares = (1 / last)[:, None].expand_as(predicts)[predicts]
        lm_loss = (each * shares).sum() / len(ids)
        return F.cross_entropy(outputs, labels) + GPT1_FINE_TUNING.lm_weight * lm_loss


class Watched(LabelledBatches):
    """Batches that note when each is asked for: the time between two is that of an update."""

    moments: list[float]

    def next(self) -> tuple[Tensor, Tensor]:
        """The next batch."""
        self.moments.append(time.perf_counter())
        return super().next()

    def seconds(self, steps: int) -> float:
        """The median of the last ``steps`` updates."""
        return statistics.median(later - earlier for earlier, later in pairwise(self.moments[-steps - 1 :]))


def watched(rows: list[EncodedExample]) -> Watched:
    """The rows, always in the same order."""
    batches = Watched(rows, GPT1_FINE_TUNING.batch_size, seed=0)
    batches.moments = []
    return batches


def run_ours(model: FineTuned, rows: list[EncodedExample], steps: int) -> float:
    """Seconds an update in our loop."""
    batches = watched(rows)
    settings = GPT1_FINE_TUNING.settings(len(rows), CONFIG.n_ctx)
    settings = replace(settings, steps=steps + 1, precision="fp32", log_every=steps + 1)
    with tempfile.TemporaryDirectory() as folder:
        train(model, batches, settings, Path(folder), device="cpu", progress=False)
    return batches.seconds(steps)


def run_peer(model: Peer, loss_of: Callable[..., Tensor], rows: list[EncodedExample], steps: int) -> float:
    """Seconds an update in a loop without anything that is not training."""
    batches = watched(rows)
    optimizer = build_optimizer(model, GPT1_FINE_TUNING.settings(len(rows), CONFIG.n_ctx))
    model.train()
    for _ in range(steps + 1):
        loss = loss_of(*batches.next())
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
    return batches.seconds(steps)


def same_loss(ours: FineTuned, peer: Peer, rows: list[EncodedExample]) -> None:
    """Stop where the two sides do not compute the same without dropout."""
    batch = LabelledBatches(rows, GPT1_FINE_TUNING.batch_size, seed=0).next()
    ours.eval()
    peer.eval()
    torch.testing.assert_close(
        ours.loss(*batch), peer.loss(*batch), msg="The two sides give different losses."
    )


def compare(task: Task, rows: list[EncodedExample], steps: int, rounds: int) -> None:
    """Measure the sides in turns and print a table and whether the goal is reached."""
    torch.manual_seed(0)
    ours = FineTuned(Decoder(CONFIG), task)
    peer, compiled = Peer(ours), Peer(ours)
    same_loss(ours, peer, rows)
    compiled_loss: Callable[..., Any] = torch.compile(compiled.loss, dynamic=True)
    sides: dict[str, Callable[[int], float]] = {
        "transformers": lambda n: run_peer(peer, peer.loss, rows, n),
        "transformers, compiled": lambda n: run_peer(compiled, compiled_loss, rows, n),
        "gptrepro": lambda n: run_ours(ours, rows, n),
    }
    for name, run in list(sides.items()):  # warms all of them
        try:
            run(steps)
        except RuntimeError as error:
            if name != "transformers, compiled":
                raise
            print(f"{name} fails here: {str(error).splitlines()[0]}")
            del sides[name]
    seconds: dict[str, list[float]] = {name: [] for name in sides}
    for _ in range(rounds):
        for name, run in sides.items():
            seconds[name].append(run(steps))

    lengths = [len(row.sequences[0]) for row in rows]
    print(
        f"\n{task.title}: {len(rows):,} rows of {statistics.mean(lengths):.1f} tokens, {max(lengths)} at most"
    )
    print(f"{'':24}{'median examples/s':>20}{'best examples/s':>20}")
    batch = GPT1_FINE_TUNING.batch_size
    for name, values in seconds.items():
        print(f"{name:24}{batch / statistics.median(values):>20.0f}{batch / min(values):>20.0f}")
    medians = {name: statistics.median(values) for name, values in seconds.items()}
    of_ours = medians.pop("gptrepro")
    fastest = min(medians, key=medians.__getitem__)
    ratio = medians[fastest] / of_ours
    by_best = min(seconds[fastest]) / min(seconds["gptrepro"])
    verdict = "reached" if ratio >= GOAL else "MISSED"
    print(f"ratio {ratio:.2f} by the median, {by_best:.2f} by the best ({fastest}); goal {GOAL}: {verdict}")


def texts_of(examples: dict[str, list[Example]]) -> Iterator[str]:
    """What the tokenizer learns from."""
    return (text for rows in examples.values() for row in rows for text in row.texts)


def main() -> None:
    """Measure each task."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--steps", type=int, default=12, help="measured updates of each run")
    parser.add_argument("--rounds", type=int, default=5, help="runs of each side")
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    torch.set_num_threads(arguments.threads)
    examples = {name: examples_of(TASKS[name]) for name in COMPARED}
    tokenizer = train_gpt1_bpe(texts_of(examples), CONFIG.n_vocab)
    special = SpecialTokens.after(CONFIG.n_vocab)
    for name, some in examples.items():
        rows = encode(TASKS[name], some, tokenizer, special, CONFIG.n_ctx)
        compare(TASKS[name], rows, arguments.steps, arguments.rounds)


if __name__ == "__main__":
    main()
