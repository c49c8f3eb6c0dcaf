"""Several trainings on running text as the arms of one experiment."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Self

from gptrepro import storage
from gptrepro.experiments.base import (
    Budget,
    Config,
    CorpusRef,
    Measurement,
    Outcomes,
    Row,
    Unit,
    Written,
    thin_out,
)
from gptrepro.experiments.training import Evaluate, TextTraining
from gptrepro.train.loop import TrainResult


class TextArms(Config):
    """An experiment that compares trainings: each seed makes them one after the other."""

    arms: dict[str, TextTraining]

    @property
    def corpora(self) -> list[CorpusRef]:
        """The text that any arm reads or is scored on."""
        return list(dict.fromkeys(corpus for arm in self.arms.values() for corpus in arm.corpora))

    def parts(self) -> dict[str, Self]:
        """Each arm by itself."""
        return {name: self.model_copy(update={"arms": {name: arm}}) for name, arm in self.arms.items()}

    def budget(self) -> Budget:
        """What all arms cost; the parameters are those of the largest."""
        costs = [arm.budget() for arm in self.arms.values()]
        return Budget(
            parameters=max(cost.parameters for cost in costs),
            tokens=sum(cost.tokens for cost in costs),
            flops=sum(cost.flops for cost in costs),
            updates=sum(cost.updates for cost in costs),
        )

    def train(self, unit: Unit, evaluate: Evaluate | None = None) -> dict[str, TrainResult]:
        """Train every arm in a folder of its own, or go on.

        Raises:
            UnitOver: the unit's time is used up.
        """
        return {
            name: arm.train(unit, folder=unit.folder / name, evaluate=evaluate, name=name)
            for name, arm in self.arms.items()
        }

    def measurement(
        self,
        unit: Unit,
        results: Mapping[str, TrainResult],
        rows: list[Row],
        history: Iterable[str],
        outcomes: Sequence[Outcomes] = (),
        written: Sequence[Written] = (),
    ) -> Measurement:
        """What a seed measured, with the course of the named figures in every arm."""
        digests = {arm.load_tokenizer(unit.prepared).digest: None for arm in self.arms.values()}
        formats = {result.resolved.precision for result in results.values() if result.resolved}
        together = storage.sha256_text(storage.canonical_json(list(digests)))
        return Measurement(
            rows=rows,
            history=thin_out(joined({arm: result.history for arm, result in results.items()}, history)),
            tokens=sum(result.tokens for result in results.values()),
            flops=self.budget().flops,
            tokenizer=next(iter(digests)) if len(digests) == 1 else together,
            precision=" and ".join(sorted(formats)) or "fp32",
            outcomes=list(outcomes),
            written=written,
        )


def joined(histories: Mapping[str, list[dict[str, float]]], names: Iterable[str]) -> list[dict[str, float]]:
    """The histories of all arms as one: a row for each step, ``<name>_<arm>`` for each of ``names``."""
    chosen = tuple(names)
    steps: dict[float, dict[str, float]] = {}
    for arm, history in histories.items():
        for logged in history:
            place = steps.setdefault(logged["step"], {"step": logged["step"], "tokens": logged["tokens"]})
            place |= {f"{name}_{arm}": logged[name] for name in chosen if name in logged}
    return [steps[step] for step in sorted(steps)]
