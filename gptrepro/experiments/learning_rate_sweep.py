"""The learning rate of any training on text, chosen by short trainings at several rates on pilot seeds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Self

from gptrepro.experiments.base import Budget, Config, Experiment, Measurement, Unit, UnitOver, row
from gptrepro.experiments.training import TextTraining, heldout_scores
from gptrepro.scales import Scale
from gptrepro.train.sweep import SweepTraining, sweep


class LearningRateSweep(Config):
    """The same short training at several peak learning rates."""

    training: TextTraining
    """What all rates share; its own rate plays no part."""
    rates: tuple[float, ...]

    @classmethod
    def of(cls, whole: TextTraining, updates: int, rates: tuple[float, ...]) -> LearningRateSweep:
        """So many updates of a training, at each of the rates."""
        tokens = updates * whole.batch_size * whole.n_ctx
        # A rate of its own would make the sweep stale whenever its outcome is put to use.
        cut = {"tokens": tokens, "peak_learning_rate": rates[0], "milestones": ()}
        return cls(training=whole.model_copy(update=cut), rates=rates)

    def parts(self) -> dict[str, Self]:
        """Each rate by itself."""
        return {f"rate {rate:g}": self.model_copy(update={"rates": (rate,)}) for rate in self.rates}

    def budget(self) -> Budget:
        """What the trainings at all rates cost."""
        one, n = self.training.budget(), len(self.rates)
        return Budget(one.parameters, n * one.tokens, n * one.flops, n * one.updates)


def measure(config: LearningRateSweep, unit: Unit) -> Measurement:
    """The held-out loss after the training at every rate that did not diverge."""
    training = config.training
    text = training.tokenized(unit.prepared)
    result = sweep(
        lambda seed: SweepTraining(
            model=training.fresh(seed),
            batches=training.batches(text, seed),
            evaluate=lambda model: heldout_scores(training, model, text),
        ),
        replace(training.settings(unit.seed), compile=unit.compile),
        config.rates,
        [unit.seed],
        unit.folder,
        device=unit.device,
        stop_after_seconds=unit.seconds_left(),
    )
    if not result.finished:
        raise UnitOver
    finished = [tried for tried in result.rows if not tried.diverged]
    arm = training.network.kind
    cost = config.budget()
    return Measurement(
        rows=[
            *(row(at.metrics["heldout_nll"], "heldout_nll", arm=arm, rate=at.peak_lr) for at in finished),
            row(len(result.rows) - len(finished), "diverged", arm=arm),
        ],
        history=[
            {"peak_learning_rate": at.peak_lr} | {name: at.metrics[name] for name in ("loss", "heldout_nll")}
            for at in finished
        ],
        tokens=int(cost.tokens),
        flops=cost.flops,
        tokenizer=text.tokenizer_digest,
        precision=training.precision,
    )


def learning_rate_experiment(
    name: str, paper: str, question: str, configs: Mapping[Scale, LearningRateSweep]
) -> Experiment[LearningRateSweep]:
    """The experiment that sweeps a training on a pilot seed."""
    return Experiment(
        name=name,
        version=1,
        paper=paper,
        question=question,
        configs=configs,
        seeds=dict.fromkeys(configs, (0,)),
        chooses_settings=True,
        corpora=lambda config: config.training.corpora,
        budget=LearningRateSweep.budget,
        measure=measure,
    )
