"""Layers carried over one by one from pre-training to fine-tuning (Figure 2, left)."""

from __future__ import annotations

from gptrepro.experiments.base import register
from gptrepro.experiments.gpt1.fine_tuning import (
    FINE_TUNING_TASKS,
    fine_tuning_configs,
    fine_tuning_experiment,
    full_arm,
)
from gptrepro.experiments.gpt1.pretraining import PRETRAINING
from gptrepro.experiments.gpt1.tuned_tasks import Arm
from gptrepro.scales import Scale

TRANSFER_TASKS: dict[Scale, tuple[str, ...]] = {
    Scale.SMOKE: ("play-word-order",),
    Scale.LAPTOP: ("novel-word-order", "sick"),
    Scale.GPU: ("novel-word-order", "sick"),
    Scale.PAPER: ("mnli-m", "race-m"),
}
"""The paper's two, or two with short texts, fixed beforehand."""


def _arms(scale: Scale) -> dict[str, Arm]:
    return {f"layers_{n}": full_arm(scale, n) for n in range(PRETRAINING.config(scale).n_layers + 1)}


TRANSFER = register(
    fine_tuning_experiment(
        "gpt1-transfer",
        PRETRAINING,
        question="How does the score depend on how many layers are carried over from pre-training?",
        configs=fine_tuning_configs(
            {
                scale: {task: FINE_TUNING_TASKS[scale][task][-1:] for task in tasks}
                for scale, tasks in TRANSFER_TASKS.items()
            },
            _arms,
            (),
        ),
        labels={"layers": {0: "embeddings alone"}},
    )
)
