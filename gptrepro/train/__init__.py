"""Training: optimiser, schedules, the loop and its checkpoints. Read `gptrepro.train.loop` first."""

from gptrepro.train.divergence import Diverged
from gptrepro.train.loop import Interrupted, TrainResult, train
from gptrepro.train.resolved import Resolved
from gptrepro.train.settings import TrainSettings
from gptrepro.train.state import load_weights, weights_file
from gptrepro.train.sweep import SweepResult, SweepRow, SweepTraining, sweep

__all__ = [
    "Diverged",
    "Interrupted",
    "Resolved",
    "SweepResult",
    "SweepRow",
    "SweepTraining",
    "TrainResult",
    "TrainSettings",
    "load_weights",
    "sweep",
    "train",
    "weights_file",
]
