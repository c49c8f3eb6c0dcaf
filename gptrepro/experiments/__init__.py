"""The experiments of every chapter: importing this package registers them all."""

from gptrepro.experiments import background, gpt1, gpt2
from gptrepro.experiments.base import EXPERIMENTS, Experiment, find_experiment, select_experiments

__all__ = ["EXPERIMENTS", "Experiment", "background", "find_experiment", "gpt1", "gpt2", "select_experiments"]
