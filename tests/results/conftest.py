"""A tiny experiment of known outcome, and a home of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from gptrepro.experiments import base
from gptrepro.experiments.base import (
    Budget,
    Config,
    CorpusRef,
    Experiment,
    Measurement,
    Outcomes,
    Unit,
    UnitOver,
    row,
)
from gptrepro.scales import Scale
from gptrepro.sources import corpora as sources
from gptrepro.sources.catalogue import CorpusEntry, catalogue


@pytest.fixture
def use_catalogue(monkeypatch: pytest.MonkeyPatch) -> Callable[[dict[str, Any]], None]:
    """Add a text called ``nowhere`` to the catalogue."""

    def use(entry: dict[str, Any]) -> None:
        known = catalogue()
        corpora = known.corpora | {"nowhere": CorpusEntry.model_validate(entry)}
        monkeypatch.setattr(sources, "catalogue", lambda: known.model_copy(update={"corpora": corpora}))

    return use


class CoinConfig(Config):
    flips: int
    bias: float


def _measure(config: CoinConfig, unit: Unit) -> Measurement:
    """Counts up to ``flips`` over several units: one step a unit, so that resuming is exercised."""
    counter = unit.folder / "counter"
    done = int(counter.read_text()) if counter.exists() else 0
    counter.write_text(str(done + 1))
    if done + 1 < config.flips:
        raise UnitOver
    return Measurement(
        rows=[
            row(2.0 + unit.seed / 1000, "nll", fraction=0.5),
            row(1.0 + config.bias, "nll", fraction=1.0),
            row(0.5, "heads"),
        ],
        outcomes=[Outcomes({"score": "heads"}, [True, False, False, True])],
        history=[{"step": 1.0, "loss": 2.0}],
        tokens=10,
        flops=1e3,
        tokenizer="a" * 64,
    )


@pytest.fixture
def coin(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Experiment[CoinConfig]]:
    """An experiment called ``coin`` on the embedded plays, registered for one test."""
    monkeypatch.setenv("GPTREPRO_HOME", str(tmp_path / "home"))
    experiment = Experiment(
        name="coin",
        version=1,
        paper="test",
        question="Does it come up heads?",
        configs={
            Scale.SMOKE: CoinConfig(flips=1, bias=0.0),
            Scale.LAPTOP: CoinConfig(flips=3, bias=0.0),
        },
        seeds={Scale.SMOKE: (100,), Scale.LAPTOP: (100, 101, 102)},
        corpora=lambda config: [CorpusRef("plays", "train")],
        budget=lambda config: Budget(parameters=1, tokens=10, flops=1e3),
        measure=_measure,
    )
    monkeypatch.setitem(base.EXPERIMENTS, "coin", experiment)
    yield experiment
