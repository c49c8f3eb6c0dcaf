"""Records that a test writes row by row."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from gptrepro.experiments.base import Coordinate, Outcomes, Row
from gptrepro.results import Hardware, Record, Run
from gptrepro.results.record import PackedOutcomes
from gptrepro.scales import Scale

Line = tuple[Row, Sequence[Any]]
"""Coordinates, and what each seed gave there: a value, or one an item."""


def line(values: Sequence[Any], score: str = "accuracy", **coordinates: Coordinate) -> Line:
    """A value, or the outcomes of all items, for each seed at some coordinates."""
    return {"score": score, **coordinates}, values


def record_of(
    *lines: Line,
    experiment: str = "e",
    scale: Scale = Scale.LAPTOP,
    seeds: Sequence[int] | None = None,
    over: Literal["seed", "item", "both"] = "seed",
) -> Record:
    """A record of these lines; where items replicate, a row's value is the mean of its outcomes."""
    runs = []
    for i in range(len(lines[0][1])):
        rows: list[Row] = []
        outcomes = []
        for place, values in lines:
            if i >= len(values):
                continue
            value = values[i]
            if over != "seed":
                outcomes.append(PackedOutcomes.pack(Outcomes(place, value)))
                value = float(outcomes[-1].values().mean())
            rows.append({"value": float(value), **place})
        seed = None if over == "item" else (seeds or range(100, 200))[i]
        runs.append(
            Run(
                seed=seed,
                rows=rows,
                outcomes=outcomes,
                history=[],
                tokens=1,
                flops=1.0,
                precision="fp32",
                wall_seconds=1.0,
                hardware=Hardware(processor="abacus", cores=1, threads=1, accelerator=None),
                versions={},
                commits=["0" * 40],
                finished="2026-01-01",
            )
        )
    return Record.sealed(
        experiment=experiment,
        version=1,
        scale=scale,
        replicated_over=over,
        config={},
        data=[],
        tokenizer="a" * 64,
        digest="b" * 64,
        runs=runs,
    )
