"""Where the rows of a training are shown beside ``metrics.jsonl``: one switch, no code of the reader's."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any, Literal, get_args

from gptrepro.errors import GptreproError
from gptrepro.train.log import Row

LoggerName = Literal["tensorboard", "trackio", "wandb"]

Report = Callable[[Row], None]


def open_logger(name: str, folder: Path, run: str, settings: Mapping[str, Any]) -> Report:
    """What shows each row of a training, in the way of ``name``.

    Args:
        name: ``tensorboard``, ``trackio`` or ``wandb``, each an extra of this package by its name.
        folder: of the training; TensorBoard's files go into ``folder/tensorboard``.
        run: what the run is called.
        settings: shown with it.

    Raises:
        GptreproError: there is no such logger.
        ModuleNotFoundError: it is not installed.
    """
    if name not in get_args(LoggerName):
        raise GptreproError(f"There is no logger '{name}': choose {', '.join(get_args(LoggerName))}.")
    import_module(name)  # so that what is missing has this name
    if name == "tensorboard":
        from torch.utils.tensorboard import SummaryWriter

        writer = SummaryWriter(str(folder / "tensorboard"))

        def show(row: Row) -> None:
            for key, value in row.items():
                if key != "step":
                    writer.add_scalar(key, value, int(row["step"]))
            writer.flush()

        return show
    module = import_module(name)
    module.init(project="gptrepro", name=run, config=dict(settings))

    def log(row: Row) -> None:
        module.log({key: value for key, value in row.items() if key != "step"}, step=int(row["step"]))

    return log
