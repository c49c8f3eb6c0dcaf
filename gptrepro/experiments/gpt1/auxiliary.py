"""The auxiliary objective by the number of labelled rows, all settings equal (section 5)."""

from __future__ import annotations

from gptrepro.experiments.base import register
from gptrepro.experiments.gpt1.fine_tuning import fine_tuning_configs, fine_tuning_experiment, full_arm
from gptrepro.experiments.gpt1.pretraining import PRETRAINING
from gptrepro.experiments.gpt1.tuned_tasks import Arm
from gptrepro.scales import Scale

_ROWS = (500, 1000, 2000, 4000)

_TASKS: dict[Scale, dict[str, tuple[int, ...]]] = {
    Scale.SMOKE: {"play-word-order": (16, 64)},
    Scale.LAPTOP: dict.fromkeys(("sst2", "novel-word-order", "sick"), _ROWS),
    Scale.GPU: dict.fromkeys(("sst2", "novel-word-order", "snli-sample"), _ROWS),
    Scale.PAPER: dict.fromkeys(("qnli", "mnli-m", "qqp"), (*_ROWS, 8000, 16_000, 32_000)),
}


def _arms(scale: Scale) -> dict[str, Arm]:
    """Two arms that differ in the objective alone, where ``gpt1-fine-tuning`` has for each what suits it."""
    full = full_arm(scale, PRETRAINING.config(scale).n_layers)
    return {"full": full, "no_aux": full.model_copy(update={"lm_weight": 0.0})}


AUXILIARY = register(
    fine_tuning_experiment(
        "gpt1-auxiliary-objective",
        PRETRAINING,
        question="Does the auxiliary objective help more the more rows are labelled, all settings equal?",
        configs=fine_tuning_configs(_TASKS, _arms, ("majority",)),
        labels={
            "arm": {"full": "with the auxiliary objective", "no_aux": "without it", "majority": "constant"}
        },
    )
)
