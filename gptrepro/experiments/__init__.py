"""The experiments of every chapter: importing this package imports all its modules, and so registers them."""

import pkgutil
from importlib import import_module

from gptrepro.experiments.base import EXPERIMENTS, Experiment, find_experiment, select_experiments

for _module in pkgutil.walk_packages(__path__, f"{__name__}."):
    import_module(_module.name)

__all__ = ["EXPERIMENTS", "Experiment", "find_experiment", "select_experiments"]
